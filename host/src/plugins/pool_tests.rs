use super::*;

thread_local! {
    static OWNER: Owner = Owner::default();
}

fn key(id: u128) -> PoolKey {
    PoolKey {
        owner: OWNER.with(Clone::clone),
        connection: ConnectionKey {
            id: Uuid::from_u128(id),
            revision: 1,
        },
    }
}

fn pool(per_connection: usize, total: usize) -> Pool<u32> {
    Pool::new(PoolLimits {
        per_connection,
        total,
        wait: Duration::from_millis(50),
        idle: Duration::from_mins(1),
    })
}

async fn seat(pool: &Pool<u32>, id: u128) -> Seat<u32> {
    match pool.acquire(&key(id)).await.expect("free") {
        Acquired::Seat(seat) => seat,
        Acquired::Idle(kept) => panic!("idle session {}", kept.session),
    }
}

async fn idle(pool: &Pool<u32>, id: u128) -> u32 {
    match pool.acquire(&key(id)).await.expect("free") {
        Acquired::Seat(_) => panic!("a seat, no session"),
        Acquired::Idle(kept) => kept.session,
    }
}

#[tokio::test]
async fn a_session_that_came_back_serves_its_own_connection_again_and_no_other() {
    let pool = pool(4, 8);
    let seat1 = seat(&pool, 1).await;
    Kept {
        session: 7,
        seat: seat1,
    }
    .idle();
    drop(seat(&pool, 2).await);
    assert_eq!(idle(&pool, 1).await, 7);
    assert_eq!(
        pool.counts(),
        (0, 0),
        "dropped sessions give their seats back"
    );
}

#[tokio::test]
async fn a_full_connection_is_busy_while_its_neighbour_is_not() {
    let pool = pool(1, 8);
    let held = seat(&pool, 1).await;
    assert!(matches!(
        pool.acquire(&key(1)).await,
        Err(PluginError::Busy { max: 1 })
    ));
    drop(seat(&pool, 2).await);
    drop(held);
    drop(seat(&pool, 1).await);
}

#[tokio::test]
async fn a_request_waits_for_a_session_that_is_being_reset() {
    let pool = pool(4, 8);
    let resetting = seat(&pool, 1).await.resetting();
    let (session, ()) = tokio::join!(idle(&pool, 1), async {
        tokio::time::sleep(Duration::from_millis(5)).await;
        resetting.done(9);
    });
    assert_eq!(session, 9);
}

#[tokio::test]
async fn a_failed_reset_lets_the_waiting_request_open_another() {
    let pool = pool(1, 8);
    let resetting = seat(&pool, 1).await.resetting();
    tokio::join!(
        async {
            seat(&pool, 1).await;
        },
        async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            drop(resetting);
        }
    );
    assert_eq!(pool.counts(), (0, 0));
}

#[tokio::test]
async fn when_the_total_is_used_up_the_oldest_idle_session_of_others_makes_room() {
    let pool = pool(4, 2);
    for (id, session) in [(1, 10), (2, 20)] {
        let seat = seat(&pool, id).await;
        Kept { session, seat }.idle();
    }
    let _third = seat(&pool, 3).await;
    assert_eq!(pool.counts(), (2, 1));
    assert_eq!(idle(&pool, 2).await, 20);
}

#[tokio::test]
async fn a_forgotten_connection_keeps_nothing_and_cancels_what_it_runs() {
    let pool = pool(4, 8);
    let running = seat(&pool, 1).await;
    let kept = Kept {
        session: 1,
        seat: seat(&pool, 1).await,
    };
    kept.idle();
    let token = running.cancelled();
    assert_eq!(pool.forget(Uuid::from_u128(1)).len(), 1);
    assert!(token.is_cancelled());
    Kept {
        session: 2,
        seat: running,
    }
    .idle();
    assert_eq!(pool.counts(), (0, 0));
    drop(seat(&pool, 1).await);
}

#[tokio::test]
async fn a_retired_plugin_keeps_no_session_and_cancels_none() {
    let pool = pool(4, 8);
    let (running, idle_one, used) = (
        seat(&pool, 1).await,
        seat(&pool, 1).await,
        seat(&pool, 1).await,
    );
    let resetting = used.resetting();
    Kept {
        session: 1,
        seat: idle_one,
    }
    .idle();
    let owner = key(1).owner;
    assert_eq!(pool.retire(&owner).len(), 1);
    assert!(!running.cancelled().is_cancelled());
    Kept {
        session: 2,
        seat: running,
    }
    .idle();
    resetting.done(3);
    // A request that still holds the old plugin works, and leaves nothing.
    let late = seat(&pool, 1).await;
    Kept {
        session: 4,
        seat: late,
    }
    .idle();
    assert_eq!(pool.counts(), (0, 0));
    owner.revive();
    let again = seat(&pool, 1).await;
    Kept {
        session: 5,
        seat: again,
    }
    .idle();
    assert_eq!(idle(&pool, 1).await, 5);
}

#[tokio::test]
async fn the_same_connection_of_another_owner_is_another_place() {
    let pool = pool(4, 8);
    let old = seat(&pool, 1).await;
    Kept {
        session: 1,
        seat: old,
    }
    .idle();
    let other = PoolKey {
        owner: Owner::default(),
        ..key(1)
    };
    let got = pool.acquire(&other).await.expect("free");
    assert!(matches!(got, Acquired::Seat(_)));
}

#[tokio::test]
async fn idle_sessions_expire() {
    let pool = pool(4, 8);
    let seat = seat(&pool, 1).await;
    Kept { session: 1, seat }.idle();
    assert_eq!(pool.expire(Instant::now()).len(), 0);
    assert_eq!(
        pool.expire(Instant::now() + Duration::from_mins(1)).len(),
        1
    );
    assert_eq!(pool.counts(), (0, 0));
}
