//! Servers that break, lie or fall silent. Each is an error with a class; none a short result, none a panic.

mod common;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

use common::{open_target, query, run, statement, target};
use datachat_clickhouse::session::Session;
use datachat_sdk::connector::types::{DbError, ErrorCode};
use datachat_throwaway::CANARY;

/// What a server of ours says, one answer a request.
struct Script(Vec<Vec<u8>>);

/// A whole answer.
fn ok(body: &[u8]) -> Vec<u8> {
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

/// An answer in chunks, ended as HTTP wants or cut off.
fn chunked(pieces: &[&[u8]], ended: bool) -> Vec<u8> {
    let mut answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
    for piece in pieces {
        answer.extend(format!("{:x}\r\n", piece.len()).as_bytes());
        answer.extend(*piece);
        answer.extend(b"\r\n");
    }
    if ended {
        answer.extend(b"0\r\n\r\n");
    }
    answer
}

fn refused(status: &str, text: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{text}",
        text.len()
    )
    .into_bytes()
}

/// What a modern server says of itself.
fn facts() -> Vec<u8> {
    ok(b"#version\t26.9.2.1\n#zone\tUTC\n#database\tdefault\nreadonly\t0\nlimit\t0\n")
}

fn take(socket: &mut TcpStream) {
    let mut request = Vec::new();
    let mut piece = [0; 4096];
    loop {
        let length = socket.read(&mut piece).expect("bytes");
        request.extend(&piece[..length]);
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let wanted = head
            .lines()
            .find_map(|line| line.strip_prefix("Content-Length: "))
            .and_then(|length| length.parse::<usize>().ok())
            .unwrap_or(0);
        if body.len() >= wanted || length == 0 {
            return;
        }
    }
}

fn serve(script: Script) -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        for answer in script.0 {
            let (mut socket, _) = listener.accept().expect("a client");
            take(&mut socket);
            let _ = socket.write_all(&answer);
        }
    });
    port
}

fn session(answers: Vec<Vec<u8>>) -> Session<common::Plain> {
    let script = std::iter::once(facts()).chain(answers).collect();
    open_target(&target("127.0.0.1", serve(Script(script)), "app"), CANARY).expect("a session")
}

fn opening(answer: Vec<u8>) -> DbError {
    let error = open_target(
        &target("127.0.0.1", serve(Script(vec![answer])), "app"),
        CANARY,
    )
    .err()
    .expect("no session");
    assert!(!format!("{error:?}").contains(CANARY));
    error
}

/// An Arrow stream of one column of texts, two batches.
fn stream() -> Vec<u8> {
    use arrow_array::{RecordBatch, StringArray};
    let batch = RecordBatch::try_from_iter_with_nullable([(
        "s",
        std::sync::Arc::new(StringArray::from(vec!["a", "b"])) as arrow_array::ArrayRef,
        false,
    )])
    .expect("a batch");
    let mut writer =
        arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batch.schema()).expect("a stream");
    writer.write(&batch).expect("a batch");
    writer.write(&batch).expect("a batch");
    writer.finish().expect("the end");
    writer.into_inner().expect("bytes")
}

const DESCRIBED: &[u8] = b"s\tString\t\t\t\t\t\n";

#[test]
fn what_is_no_clickhouse_is_told_so() {
    let error = opening(b"SSH-2.0-OpenSSH_9.2\r\n".to_vec());
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
    let error = opening(refused("404 Not Found", "<html>nginx</html>"));
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
    let error = opening(refused("502 Bad Gateway", "<html>nginx</html>"));
    assert_eq!(error.code, ErrorCode::ConnectionRefused, "{error:?}");
    assert!(error.retryable);
    let error = opening(ok(b"Ok.\n"));
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
    let error = opening(Vec::new());
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
}

#[test]
fn a_redirect_is_not_followed() {
    let error = opening(
        b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/\r\nContent-Length: 0\r\n\r\n"
            .to_vec(),
    );
    assert_eq!(error.code, ErrorCode::Protocol);
    assert!(error.message.contains("redirect"), "{}", error.message);
}

#[test]
fn a_stream_that_is_whole_is_read() {
    let mut session = session(vec![ok(DESCRIBED), chunked(&[&stream()], true)]);
    let batches = query(&mut session, "SELECT s").expect("rows");
    assert_eq!(common::rows(&batches), 4);
}

#[test]
fn a_stream_that_stops_anywhere_is_an_error() {
    let whole = stream();
    for end in (0..whole.len()).step_by(7) {
        for ended in [true, false] {
            let mut session = session(vec![ok(DESCRIBED), chunked(&[&whole[..end]], ended)]);
            let result = query(&mut session, "SELECT s");
            // Nothing at all, in a body that is whole, is how some versions send a result without rows; and an
            // empty chunk ends a body.
            if end == 0 {
                assert_eq!(common::rows(&result.expect("no rows")), 0);
                continue;
            }
            let error = result.expect_err("an error");
            assert_eq!(error.code, ErrorCode::Protocol, "{end} {ended}: {error:?}");
        }
    }
}

#[test]
fn an_exception_in_the_middle_of_a_stream_is_the_error() {
    let whole = stream();
    let old = b"Code: 395, e.displayText() = DB::Exception: no more, e.what() = DB::Exception\n";
    let new = b"\r\n__exception__\r\nabcdefghijklmnop\r\nCode: 395. DB::Exception: no more (X) (version 26.9.2.1)\n57 abcdefghijklmnop\r\n__exception__\r\n";
    for text in [&old[..], &new[..]] {
        for end in [whole.len() - 8, whole.len() - 40, 300] {
            for ended in [true, false] {
                let mut session =
                    session(vec![ok(DESCRIBED), chunked(&[&whole[..end], text], ended)]);
                let error = query(&mut session, "SELECT s").expect_err("an error");
                assert_eq!(
                    error.vendor_code.as_deref(),
                    Some("395"),
                    "{end}: {error:?}"
                );
                assert_eq!(error.code, ErrorCode::DataException);
                assert!(error.message.starts_with("no more"), "{}", error.message);
            }
        }
    }
}

#[test]
fn bytes_behind_the_end_of_a_stream_are_an_error() {
    let mut session = session(vec![ok(DESCRIBED), chunked(&[&stream(), b"x"], true)]);
    let error = query(&mut session, "SELECT s").expect_err("an error");
    assert_eq!(error.code, ErrorCode::Protocol);
}

#[test]
fn columns_that_are_named_anew_come_from_an_answer_that_says_them() {
    let named = b"\x01\x01s\x06String\x02ab";
    let mut session = session(vec![ok(b"t\tString\t\t\t\t\t\n"), ok(&stream()), ok(named)]);
    let batches = query(&mut session, "SELECT s").expect("rows");
    assert_eq!(common::rows(&batches), 1);
    assert_eq!(batches[0].schema().field(0).name(), "s");
}

#[test]
fn another_type_than_the_one_described_is_an_error() {
    let mut session = session(vec![ok(b"s\tUInt8\t\t\t\t\t\n"), ok(&stream())]);
    let error = query(&mut session, "SELECT s").expect_err("an error");
    assert_eq!(error.code, ErrorCode::Protocol, "{error:?}");
}

#[test]
fn rows_that_stop_or_end_in_an_exception_are_an_error() {
    // One column of texts, and a variant that makes it come as rows.
    let described = b"s\tString\t\t\t\t\t\nv\tVariant(UInt8)\t\t\t\t\t\n";
    let row = b"\x02ab\x00\x07";
    let mut session = session(vec![ok(described), chunked(&[row, row], true)]);
    assert_eq!(
        common::rows(&query(&mut session, "SELECT s, v").expect("rows")),
        2
    );
    for tail in [&b"\x02a"[..], b"\x02ab\x00", b"\x02ab\x09\x00"] {
        let mut session = self::session(vec![ok(described), chunked(&[row, tail], true)]);
        let error = query(&mut session, "SELECT s, v").expect_err("an error");
        assert_eq!(error.code, ErrorCode::Protocol, "{tail:?}: {error:?}");
    }
    let exception =
        b"Code: 395, e.displayText() = DB::Exception: no more, e.what() = DB::Exception\n";
    let mut session = self::session(vec![ok(described), chunked(&[row, exception], true)]);
    let error = query(&mut session, "SELECT s, v").expect_err("an error");
    assert_eq!(error.vendor_code.as_deref(), Some("395"), "{error:?}");
    // The same words as a value are a value.
    let value = b"\x4eCode: 395, e.displayText() = DB::Exception: no more, e.what() = DB::Exception\n\x00\x07";
    let mut session = self::session(vec![ok(described), chunked(&[row, value], true)]);
    assert_eq!(
        common::rows(&query(&mut session, "SELECT s, v").expect("rows")),
        2
    );
}

#[test]
fn a_type_that_nobody_knows_is_unsupported() {
    let mut session = session(vec![ok(b"s\tTensor(3)\t\t\t\t\t\n")]);
    let error = query(&mut session, "SELECT s").expect_err("an error");
    assert_eq!(error.code, ErrorCode::Unsupported, "{error:?}");
    assert!(error.message.contains("Tensor"), "{}", error.message);
}

#[test]
fn a_server_that_falls_silent_is_left_at_the_deadline() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let mut target = target(
        "127.0.0.1",
        listener.local_addr().expect("an address").port(),
        "app",
    );
    target.connect_timeout_ms = 300;
    let error = open_target(&target, CANARY).err().expect("no session");
    assert_eq!(error.code, ErrorCode::Timeout, "{error:?}");
}

#[test]
fn a_limited_statement_is_sent_with_its_limits_and_read_only_comes_last() {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let target = target(
        "127.0.0.1",
        listener.local_addr().expect("an address").port(),
        "app",
    );
    let server = std::thread::spawn(move || {
        let mut lines = Vec::new();
        let facts = b"#version\t18.16.1\n#zone\tUTC\nreadonly\t0\nmax_result_rows\t0\nresult_overflow_mode\tthrow\nmax_execution_time\t0\n";
        for answer in [ok(facts), ok(b"n\tUInt8\t\t\n"), ok(&[1, 2, 3])] {
            let (mut socket, _) = listener.accept().expect("a client");
            let mut piece = [0; 8192];
            let length = socket.read(&mut piece).expect("bytes");
            let text = String::from_utf8_lossy(&piece[..length]).into_owned();
            lines.push(text.lines().next().unwrap_or_default().to_owned());
            socket.write_all(&answer).expect("write");
        }
        lines
    });
    let mut session = open_target(&target, CANARY).expect("a session");
    let mut limited = statement("SELECT n FROM t");
    limited.max_rows = Some(2);
    limited.timeout_ms = 1500;
    let batches = run(&mut session, limited).expect("rows");
    assert_eq!(common::rows(&batches), 2);
    let lines = server.join().expect("the server");
    let line = &lines[2];
    for part in [
        "max_result_rows=2&",
        "result_overflow_mode=break&",
        "max_execution_time=2&",
        "default_format=RowBinary&",
        "query_id=datachat%2D",
    ] {
        let part = part.replace("%2D", "-");
        assert!(line.contains(&part), "{part}: {line}");
    }
    let settings = line.split("readonly=1").next().expect("before");
    assert!(settings.contains("max_execution_time"), "{line}");
}
