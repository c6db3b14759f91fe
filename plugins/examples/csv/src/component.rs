//! The component: the contract's resources over a [`Session`]. Only plumbing; nothing here decides.

use std::cell::RefCell;
use std::path::Path;
use std::vec::IntoIter;

use datachat_sdk::connector::types::{DbError, ErrorCode, Relation, RelationFilter};
use datachat_sdk::connector::{
    ConnectorInfo, Cursor, Guest, GuestCursor, GuestRelationList, GuestSession, RelationList,
    ServerInfo, Statement, Target,
};
use datachat_sdk::error::db_error;

use crate::rows::Rows;
use crate::session::Session;

struct Component;

struct SessionResource(RefCell<Session>);

struct CursorResource(RefCell<Rows>);

struct RelationListResource(RefCell<IntoIter<Relation>>);

impl Guest for Component {
    type Session = SessionResource;
    type Cursor = CursorResource;
    type RelationList = RelationListResource;

    fn describe() -> ConnectorInfo {
        crate::describe::describe()
    }

    fn cancel(_target: Target, _token: Vec<u8>) -> Result<(), DbError> {
        Err(db_error(
            ErrorCode::Unsupported,
            "there is no server; a statement ends with its session",
        ))
    }
}

impl GuestSession for SessionResource {
    fn open(target: Target) -> Result<datachat_sdk::connector::Session, DbError> {
        let session = Session::open(Path::new("/"), &target)?;
        Ok(datachat_sdk::connector::Session::new(Self(RefCell::new(
            session,
        ))))
    }

    fn server(&self) -> Result<ServerInfo, DbError> {
        Ok(self.0.borrow().server())
    }

    fn query(&self, request: Statement) -> Result<Cursor, DbError> {
        let rows = self.0.borrow_mut().query(request)?;
        Ok(Cursor::new(CursorResource(RefCell::new(rows))))
    }

    fn relations(&self, filter: RelationFilter) -> Result<RelationList, DbError> {
        let relations = self.0.borrow_mut().relations(&filter)?;
        Ok(RelationList::new(RelationListResource(RefCell::new(
            relations.into_iter(),
        ))))
    }

    fn reset(&self) -> Result<(), DbError> {
        // A statement leaves nothing behind.
        Ok(())
    }

    fn cancel_token(&self) -> Option<Vec<u8>> {
        None
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
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        Ok(self.0.borrow_mut().by_ref().take(max).collect())
    }
}

datachat_sdk::connector::export!(Component with_types_in datachat_sdk::connector::bindings);
