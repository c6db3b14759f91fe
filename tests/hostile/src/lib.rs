//! What the hostile components have in common: a connector that does as it is told by an [`Attack`].
//!
//! Each component is one file under `examples/` whose module doc says what it tries. The tests that load
//! them say how that ends.

use std::cell::Cell;
use std::marker::PhantomData;
use std::net::{IpAddr, SocketAddr};

use datachat_sdk::connector::types::{DbError, ErrorCode, Relation, RelationFilter};
use datachat_sdk::connector::{
    ConnectorInfo, Cursor, DatabaseType, Dialect, Guest, GuestCursor, GuestRelationList,
    GuestSession, RelationList, ServerInfo, Session, Statement, Target, Transport,
};
use datachat_sdk::error::db_error;
use datachat_sdk::wasip2::http::outgoing_handler::handle;
use datachat_sdk::wasip2::http::types::{Fields, OutgoingRequest, Scheme};
use datachat_sdk::wasip2::sockets::instance_network::instance_network;
use datachat_sdk::wasip2::sockets::network::{
    IpAddressFamily, IpSocketAddress, Ipv4SocketAddress, Ipv6SocketAddress,
};
use datachat_sdk::wasip2::sockets::tcp_create_socket::create_tcp_socket;

/// What a component does when it is called. Whatever it leaves out, it does as a good connector would.
pub trait Attack: 'static {
    /// Names the connector, its database type and its URL scheme.
    const NAME: &'static str;
    /// What it says it needs.
    const TRANSPORT: Transport = Transport::Tcp;

    /// A session is opened.
    ///
    /// # Errors
    /// What the host is told.
    fn open(_target: &Target) -> Result<(), DbError> {
        Ok(())
    }

    /// A statement starts.
    ///
    /// # Errors
    /// What the host is told.
    fn query(_sql: &str) -> Result<(), DbError> {
        Ok(())
    }

    /// The `n`th piece of its result is read, counted from 0; empty ends it.
    ///
    /// # Errors
    /// What the host is told.
    fn read(n: u32) -> Result<Vec<u8>, DbError> {
        Ok(if n == 0 { b"pong".to_vec() } else { Vec::new() })
    }
}

/// The connector around an attack.
pub struct Hostile<A>(PhantomData<A>);

impl<A: Attack> Guest for Hostile<A> {
    type Session = Opened<A>;
    type Cursor = Rows<A>;
    type RelationList = NoRelations;

    fn describe() -> ConnectorInfo {
        ConnectorInfo {
            name: A::NAME.to_owned(),
            version: "0.0.0".to_owned(),
            database_types: vec![DatabaseType {
                name: A::NAME.to_owned(),
                aliases: Vec::new(),
                title: A::NAME.to_owned(),
            }],
            url_schemes: vec![A::NAME.to_owned()],
            default_port: 1,
            scheme_defaults: Vec::new(),
            dialect: Dialect::Generic,
            transport: A::TRANSPORT,
            options: Vec::new(),
            tls_option: None,
            url_form: String::new(),
            credentials_schema: "{}".to_owned(),
            help: String::new(),
            list_tables: None,
            list_columns: None,
        }
    }

    fn cancel(_target: Target, _token: Vec<u8>) -> Result<(), DbError> {
        Ok(())
    }
}

/// An open session.
pub struct Opened<A>(PhantomData<A>);

impl<A: Attack> GuestSession for Opened<A> {
    fn open(target: Target) -> Result<Session, DbError> {
        A::open(&target)?;
        Ok(Session::new(Self(PhantomData)))
    }

    fn server(&self) -> Result<ServerInfo, DbError> {
        Ok(ServerInfo {
            product: A::NAME.to_owned(),
            version: "0".to_owned(),
            role: "nobody".to_owned(),
            database: None,
            default_schema: None,
            dangerous_rights: Vec::new(),
            reading: Vec::new(),
        })
    }

    fn query(&self, request: Statement) -> Result<Cursor, DbError> {
        A::query(&request.sql)?;
        Ok(Cursor::new(Rows::<A>(Cell::new(0), PhantomData)))
    }

    fn relations(&self, _filter: RelationFilter) -> Result<RelationList, DbError> {
        Ok(RelationList::new(NoRelations))
    }

    fn reset(&self) -> Result<(), DbError> {
        Ok(())
    }

    fn cancel_token(&self) -> Option<Vec<u8>> {
        Some(vec![1])
    }
}

/// A running statement.
pub struct Rows<A>(Cell<u32>, PhantomData<A>);

impl<A: Attack> GuestCursor for Rows<A> {
    fn read(&self, _max_bytes: u32) -> Result<Vec<u8>, DbError> {
        let n = self.0.get();
        self.0.set(n + 1);
        A::read(n)
    }
}

/// Nothing.
pub struct NoRelations;

impl GuestRelationList for NoRelations {
    fn next(&self, _max: u32) -> Result<Vec<Relation>, DbError> {
        Ok(Vec::new())
    }
}

/// Tries to connect, and says how that went.
///
/// # Errors
/// `connection-refused` with the socket layer's error.
pub fn connect(to: SocketAddr) -> Result<(), DbError> {
    let family = if to.is_ipv4() {
        IpAddressFamily::Ipv4
    } else {
        IpAddressFamily::Ipv6
    };
    let refused = |error| db_error(ErrorCode::ConnectionRefused, format!("{to}: {error:?}"));
    let socket = create_tcp_socket(family).map_err(refused)?;
    let network = instance_network();
    socket
        .start_connect(&network, socket_address(to))
        .map_err(refused)?;
    socket.subscribe().block();
    socket.finish_connect().map_err(refused)?;
    Ok(())
}

/// Sends a request without a body, and gives where its answer redirects to.
///
/// # Errors
/// `connection-refused` with what WASI says.
pub fn request(
    encrypted: bool,
    authority: &str,
    path: &str,
    headers: &[(&str, &str)],
) -> Result<Option<String>, DbError> {
    let refused = |error: String| db_error(ErrorCode::ConnectionRefused, error);
    let fields = Fields::new();
    for (name, value) in headers {
        fields
            .append(name, value.as_bytes())
            .map_err(|error| refused(format!("the header {name}: {error:?}")))?;
    }
    let request = OutgoingRequest::new(fields);
    let scheme = if encrypted {
        Scheme::Https
    } else {
        Scheme::Http
    };
    let unset = |what: &str| refused(format!("the {what} can't be set"));
    request
        .set_scheme(Some(&scheme))
        .map_err(|()| unset("scheme"))?;
    request
        .set_authority(Some(authority))
        .map_err(|()| unset("authority"))?;
    request
        .set_path_with_query(Some(path))
        .map_err(|()| unset("path"))?;
    let future = handle(request, None).map_err(|error| refused(format!("{error:?}")))?;
    future.subscribe().block();
    let response = future
        .get()
        .ok_or_else(|| refused("no answer".to_owned()))?
        .map_err(|()| refused("no answer".to_owned()))?
        .map_err(|error| refused(format!("{error:?}")))?;
    let location = response.headers().get("location");
    Ok(location
        .first()
        .map(|value| String::from_utf8_lossy(value).into_owned()))
}

/// An address as WASI spells it.
pub fn socket_address(address: SocketAddr) -> IpSocketAddress {
    match address.ip() {
        IpAddr::V4(ip) => {
            let [a, b, c, d] = ip.octets();
            IpSocketAddress::Ipv4(Ipv4SocketAddress {
                port: address.port(),
                address: (a, b, c, d),
            })
        }
        IpAddr::V6(ip) => {
            let s = ip.segments();
            IpSocketAddress::Ipv6(Ipv6SocketAddress {
                port: address.port(),
                flow_info: 0,
                address: (s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]),
                scope_id: 0,
            })
        }
    }
}
