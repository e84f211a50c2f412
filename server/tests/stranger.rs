//! A client in another language, written from the protocol's documentation alone, talks to a server.

use std::net::SocketAddr;
use std::process::{Command, Output};

use bulla_core::key::{Key, KeyRing, write_key_file};
use bulla_core::status::{Code, Status};
use bulla_core::value::Value;
use bulla_server::services::Echo;
use bulla_server::{Context, Server, ServerHandle};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/stranger.py");

fn python_has_cryptography() -> bool {
    let check = Command::new("python3").args(["-c", "import cryptography"]).output();
    check.is_ok_and(|output| output.status.success())
}

fn server(key: &Key) -> ServerHandle {
    let builder = Server::builder().listen("127.0.0.1:0").expect("an address").keys(KeyRing::single(key.clone()));
    let refuse = |_: Value, _: &Context| -> Result<(), Status> {
        Err(Status::new(Code::NotFound, "no such person").with_detail("name", "Ada").with_detail("ö", ""))
    };
    builder.service(Echo).route("refuse", refuse).spawn().expect("a free port")
}

fn call(server: &ServerHandle, key: &Key, route: &str, message: &str) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let key_file = folder.path().join("bulla.key");
    write_key_file(&key_file, key, false).expect("an empty folder");
    let address: SocketAddr = server.addresses()[0].to_string().parse().expect("a TCP address");
    let mut python = Command::new("python3");
    python.arg(SCRIPT).arg(address.ip().to_string()).arg(address.port().to_string());
    python.arg(&key_file).args([route, message]).output().expect("python3 starts")
}

#[test]
fn a_client_in_python_calls_and_is_answered() {
    if !python_has_cryptography() {
        eprintln!("skipped: python3 with the package cryptography is not here");
        return;
    }
    let key = Key::from_bytes([42; 32]);
    let server = server(&key);
    let output = call(&server, &key, "echo", r#"{"first_name":"Ada","born":1815}"#);
    assert_eq!(String::from_utf8_lossy(&output.stderr), "");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "{\"first_name\":\"Ada\",\"born\":1815}\n");
    let output = call(&server, &key, "refuse", "1");
    let expected = "status 5: no such person [('name', 'Ada'), ('ö', '')]\n";
    assert_eq!(String::from_utf8_lossy(&output.stderr), expected);
    let output = call(&server, &Key::from_bytes([43; 32]), "echo", "1");
    assert_eq!(String::from_utf8_lossy(&output.stderr), "alert 81\n", "a key that the server does not hold");
    server.shutdown();
}
