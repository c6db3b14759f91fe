//! What the host gives to guests beside WASI: log and secrets, TLS, and for tools the request's database and what
//! is known of it.

use wasmtime::component::{HasSelf, Linker, Resource, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliView as _};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemView as _};
use wasmtime_wasi::p2::bindings::{cli, filesystem, sockets};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream};
use wasmtime_wasi::random::{WasiRandom, WasiRandomView as _};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsView as _};

use super::bindings::connector::datachat::plugin::{log, secrets, tls, types};
use super::bindings::knowledge::datachat::knowledge::{knowledge, profiling};
use super::bindings::tool::datachat::plugin::{database, progress};
use super::instance::{Rights, State};
use super::tool::RowsHandle;
use super::{DbError, ErrorCode, Parameters, Relation, RelationFilter, ToolContext, ToolKnowledge};

/// Everything that [`super::grants`] lets a connector import.
pub(crate) fn connector_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = base(engine)?;
    let l = &mut linker;
    sockets::tcp_create_socket::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::instance_network::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    wasmtime_wasi_http::p2::add_only_http_to_linker_async(l)?;
    secrets::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    tls::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    Ok(linker)
}

/// Everything that [`super::grants`] lets a tool import.
pub(crate) fn tool_linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = base(engine)?;
    let l = &mut linker;
    database::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    progress::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    knowledge::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    profiling::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    Ok(linker)
}

fn base(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    // io, clocks, random, standard streams
    wasmtime_wasi::p2::add_to_linker_proxy_interfaces_async(l)?;
    wasmtime_wasi::p2::bindings::random::insecure::add_to_linker::<State, WasiRandom>(
        l,
        State::random,
    )?;
    wasmtime_wasi::p2::bindings::random::insecure_seed::add_to_linker::<State, WasiRandom>(
        l,
        State::random,
    )?;
    cli::exit::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::environment::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_input::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_output::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdin::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stdout::add_to_linker::<State, WasiCli>(l, State::cli)?;
    cli::terminal_stderr::add_to_linker::<State, WasiCli>(l, State::cli)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, State::filesystem)?;
    sockets::network::add_to_linker::<State, WasiSockets>(
        l,
        &sockets::network::LinkOptions::default(),
        State::sockets,
    )?;
    sockets::tcp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    sockets::udp::add_to_linker::<State, WasiSockets>(l, State::sockets)?;
    log::add_to_linker::<State, HasSelf<State>>(l, |state| state)?;
    Ok(linker)
}

impl types::Host for State {}

impl log::Host for State {
    async fn write(&mut self, level: log::Level, message: String) -> wasmtime::Result<()> {
        self.log.write(level, &message);
        Ok(())
    }
}

impl secrets::Host for State {
    async fn password(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(match &self.rights {
            Rights::Connection { target, .. } => {
                target.password.as_ref().map(|p| p.reveal().clone())
            }
            _ => None,
        })
    }
}

impl tls::Host for State {
    async fn upgrade(
        &mut self,
        input: Resource<DynInputStream>,
        output: Resource<DynOutputStream>,
    ) -> wasmtime::Result<
        Result<
            (
                Resource<DynInputStream>,
                Resource<DynOutputStream>,
                tls::Channel,
            ),
            DbError,
        >,
    > {
        let input = self.table.delete(input)?;
        let output = self.table.delete(output)?;
        let upgraded = match &self.rights {
            Rights::Connection { target, .. } => {
                super::tls::upgrade(&target.host, &target.tls, input, output).await
            }
            _ => Err("there is no connection to secure".to_owned()),
        };
        Ok(match upgraded {
            Ok((input, output, channel)) => {
                self.secured = true;
                Ok((self.table.push(input)?, self.table.push(output)?, channel))
            }
            Err(message) => Err(db_error(ErrorCode::TlsFailed, message)),
        })
    }
}

fn db_error(code: ErrorCode, message: String) -> DbError {
    DbError {
        code,
        message,
        vendor_code: None,
        detail: None,
        hint: None,
        position: None,
        retryable: false,
    }
}

impl State {
    /// What a tool may ask, with the table beside it.
    fn tool(&mut self) -> Result<(&dyn ToolContext, &mut ResourceTable), DbError> {
        match &self.rights {
            Rights::Tool(context) => Ok((context.as_ref(), &mut self.table)),
            _ => Err(db_error(
                ErrorCode::Unsupported,
                "there is no database outside a call".to_owned(),
            )),
        }
    }
}

impl database::Host for State {
    async fn describe(&mut self) -> wasmtime::Result<Result<database::Info, DbError>> {
        Ok(match self.tool() {
            Ok((tool, _)) => tool.describe().await,
            Err(error) => Err(error),
        })
    }

    async fn relations(
        &mut self,
        filter: RelationFilter,
    ) -> wasmtime::Result<Result<Vec<Relation>, DbError>> {
        Ok(match self.tool() {
            Ok((tool, _)) => tool.relations(filter).await,
            Err(error) => Err(error),
        })
    }

    async fn query(
        &mut self,
        sql: String,
        params: Parameters,
        max_rows: Option<u64>,
    ) -> wasmtime::Result<Result<Resource<RowsHandle>, DbError>> {
        let (tool, table) = match self.tool() {
            Ok(tool) => tool,
            Err(error) => return Ok(Err(error)),
        };
        Ok(match tool.query(sql, params, max_rows).await {
            Ok(rows) => Ok(table.push(RowsHandle { rows })?),
            Err(error) => Err(error),
        })
    }

    async fn quote_identifier(&mut self, name: String) -> wasmtime::Result<String> {
        match self.tool() {
            Ok((tool, _)) => Ok(tool.quote_identifier(&name)),
            Err(error) => Err(wasmtime::Error::msg(error.message)),
        }
    }
}

impl database::HostRows for State {
    async fn columns(
        &mut self,
        rows: Resource<RowsHandle>,
    ) -> wasmtime::Result<Vec<database::ResultColumn>> {
        Ok(self.table.get(&rows)?.rows.columns())
    }

    async fn next(
        &mut self,
        rows: Resource<RowsHandle>,
        max: u32,
    ) -> wasmtime::Result<Result<Vec<String>, DbError>> {
        Ok(self.table.get_mut(&rows)?.rows.next(max).await)
    }

    async fn truncated_by(
        &mut self,
        rows: Resource<RowsHandle>,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.table.get(&rows)?.rows.truncated_by())
    }

    async fn drop(&mut self, rows: Resource<RowsHandle>) -> wasmtime::Result<()> {
        self.table.delete(rows)?;
        Ok(())
    }
}

impl progress::Host for State {
    async fn report(
        &mut self,
        done: u32,
        total: Option<u32>,
        note: String,
    ) -> wasmtime::Result<()> {
        if let Rights::Tool(context) = &self.rights {
            let note = self.log.redactor().line(&note, 1 << 10);
            context.progress(done, total, &note);
        }
        Ok(())
    }
}

impl State {
    /// What a tool may ask about its database.
    fn known(&self) -> Result<&dyn ToolKnowledge, knowledge::Error> {
        match &self.rights {
            Rights::Tool(context) => Ok(context.knowledge()),
            _ => Err(knowledge::Error {
                code: knowledge::ErrorCode::Unavailable,
                message: "there is no database outside a call".to_owned(),
            }),
        }
    }
}

impl knowledge::Host for State {
    async fn search(
        &mut self,
        question: String,
        limit: u32,
    ) -> wasmtime::Result<Result<knowledge::Findings, knowledge::Error>> {
        Ok(match self.known() {
            Ok(known) => known.search(question, limit).await,
            Err(error) => Err(error),
        })
    }

    async fn get(
        &mut self,
        id: String,
    ) -> wasmtime::Result<Result<Option<knowledge::Datapoint>, knowledge::Error>> {
        Ok(match self.known() {
            Ok(known) => known.get(id).await,
            Err(error) => Err(error),
        })
    }

    async fn list_datapoints(
        &mut self,
        after: Option<String>,
        limit: u32,
    ) -> wasmtime::Result<Result<knowledge::Page, knowledge::Error>> {
        Ok(match self.known() {
            Ok(known) => known.list(after, limit).await,
            Err(error) => Err(error),
        })
    }
}

impl profiling::Host for State {
    async fn profile_and_generate(
        &mut self,
        request: profiling::Request,
    ) -> wasmtime::Result<Result<profiling::Outcome, profiling::Error>> {
        Ok(match &self.rights {
            Rights::Tool(context) => context.profiling().profile_and_generate(request).await,
            _ => Err(profiling::Error {
                message: "there is no database outside a call".to_owned(),
            }),
        })
    }
}
