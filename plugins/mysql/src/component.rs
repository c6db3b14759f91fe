//! The component: the contract's resources over a [`Session`]. Only plumbing; nothing here decides.

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Instant;

use datachat_sdk::connector::types::{DbError, ErrorCode, Relation, RelationFilter};
use datachat_sdk::connector::{
    ConnectorInfo, Cursor, Guest, GuestCursor, GuestRelationList, GuestSession, RelationList,
    ServerInfo, Statement, Target,
};
use datachat_sdk::error::db_error;
use datachat_sdk::net::TcpStream;
use datachat_sdk::secrets;

use crate::options::Options;
use crate::relations::RelationPages;
use crate::rows::Rows;
use crate::session::Session;
use crate::startup;
use crate::wire::Wire;

struct Component;

type Shared = Rc<RefCell<Session<TcpStream>>>;

struct SessionResource(Shared);

struct CursorResource {
    session: Shared,
    rows: RefCell<Rows>,
}

struct RelationListResource(RefCell<RelationPages>);

/// Connects within the target's time, and says by when all else must be done.
fn connect(target: &Target) -> Result<(TcpStream, Instant), DbError> {
    let timeout = Options::read(target)?.connect_timeout;
    let deadline = Instant::now() + timeout;
    Ok((TcpStream::connect(target, timeout)?, deadline))
}

impl Guest for Component {
    type Session = SessionResource;
    type Cursor = CursorResource;
    type RelationList = RelationListResource;

    fn describe() -> ConnectorInfo {
        crate::describe::describe()
    }

    fn cancel(target: Target, token: Vec<u8>) -> Result<(), DbError> {
        let (stream, deadline) = connect(&target)?;
        startup::cancel(
            &mut Wire::new(stream),
            &target,
            secrets::password().as_deref(),
            &token,
            deadline,
        )
    }
}

impl GuestSession for SessionResource {
    fn open(target: Target) -> Result<datachat_sdk::connector::Session, DbError> {
        let (stream, deadline) = connect(&target)?;
        let password = secrets::password();
        let session = Session::open(stream, &target, password.as_deref(), deadline)?;
        Ok(datachat_sdk::connector::Session::new(Self(Rc::new(
            RefCell::new(session),
        ))))
    }

    fn server(&self) -> Result<ServerInfo, DbError> {
        self.0.borrow_mut().server()
    }

    fn query(&self, request: Statement) -> Result<Cursor, DbError> {
        let rows = self.0.borrow_mut().query(request)?;
        Ok(Cursor::new(CursorResource {
            session: Rc::clone(&self.0),
            rows: RefCell::new(rows),
        }))
    }

    fn relations(&self, filter: RelationFilter) -> Result<RelationList, DbError> {
        let pages = RelationPages::open(&mut self.0.borrow_mut(), &filter)?;
        Ok(RelationList::new(RelationListResource(RefCell::new(pages))))
    }

    fn reset(&self) -> Result<(), DbError> {
        self.0.borrow_mut().reset()
    }

    fn cancel_token(&self) -> Option<Vec<u8>> {
        Some(self.0.borrow().cancel_token().to_vec())
    }
}

impl Drop for SessionResource {
    fn drop(&mut self) {
        if let Ok(mut session) = self.0.try_borrow_mut() {
            session.close();
        }
    }
}

impl GuestCursor for CursorResource {
    fn read(&self, max_bytes: u32) -> Result<Vec<u8>, DbError> {
        let max = usize::try_from(max_bytes)
            .map_err(|_| db_error(ErrorCode::Internal, "max-bytes is out of range"))?;
        self.rows
            .borrow_mut()
            .read(&mut self.session.borrow_mut(), max)
    }
}

impl GuestRelationList for RelationListResource {
    fn next(&self, max: u32) -> Result<Vec<Relation>, DbError> {
        self.0.borrow_mut().next(max)
    }
}

datachat_sdk::connector::export!(Component with_types_in datachat_sdk::connector::bindings);
