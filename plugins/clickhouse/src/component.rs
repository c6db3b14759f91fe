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
use datachat_sdk::http::{Client, Incoming};
use datachat_sdk::secrets;

use crate::options::Options;
use crate::relations::RelationPages;
use crate::rows::Rows;
use crate::session::Session;

struct Component;

type Shared = Rc<RefCell<Session<Client>>>;

struct SessionResource(Shared);

struct CursorResource(RefCell<Rows<Incoming>>);

struct RelationListResource {
    session: Shared,
    pages: RefCell<RelationPages>,
}

/// A client of the target, and by when opening must be done.
fn client(target: &Target) -> Result<(Client, Instant), DbError> {
    let timeout = Options::read(target)?.connect_timeout;
    Ok((Client::new(target, timeout), Instant::now() + timeout))
}

impl Guest for Component {
    type Session = SessionResource;
    type Cursor = CursorResource;
    type RelationList = RelationListResource;

    fn describe() -> ConnectorInfo {
        crate::describe::describe()
    }

    fn cancel(target: Target, token: Vec<u8>) -> Result<(), DbError> {
        let (http, deadline) = client(&target)?;
        Session::cancel(http, &target, Box::new(secrets::password), &token, deadline)
    }
}

impl GuestSession for SessionResource {
    fn open(target: Target) -> Result<datachat_sdk::connector::Session, DbError> {
        let (http, deadline) = client(&target)?;
        let session = Session::open(http, &target, Box::new(secrets::password), deadline)?;
        Ok(datachat_sdk::connector::Session::new(Self(Rc::new(
            RefCell::new(session),
        ))))
    }

    fn server(&self) -> Result<ServerInfo, DbError> {
        self.0.borrow_mut().server()
    }

    fn query(&self, request: Statement) -> Result<Cursor, DbError> {
        let rows = self.0.borrow_mut().query(&request)?;
        Ok(Cursor::new(CursorResource(RefCell::new(rows))))
    }

    fn relations(&self, filter: RelationFilter) -> Result<RelationList, DbError> {
        let pages = RelationPages::open(&mut self.0.borrow_mut(), &filter)?;
        Ok(RelationList::new(RelationListResource {
            session: Rc::clone(&self.0),
            pages: RefCell::new(pages),
        }))
    }

    /// There is nothing that a statement could have left behind.
    fn reset(&self) -> Result<(), DbError> {
        Ok(())
    }

    fn cancel_token(&self) -> Option<Vec<u8>> {
        Some(self.0.borrow().cancel_token())
    }
}

impl GuestCursor for CursorResource {
    fn read(&self, max_bytes: u32) -> Result<Vec<u8>, DbError> {
        let max = usize::try_from(max_bytes)
            .map_err(|_| db_error(ErrorCode::Internal, "max-bytes is out of range"))?;
        self.0.borrow_mut().read(max)
    }
}

impl GuestRelationList for RelationListResource {
    fn next(&self, max: u32) -> Result<Vec<Relation>, DbError> {
        self.pages
            .borrow_mut()
            .next(&mut self.session.borrow_mut(), max)
    }
}

datachat_sdk::connector::export!(Component with_types_in datachat_sdk::connector::bindings);
