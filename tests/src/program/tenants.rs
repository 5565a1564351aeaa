//! Many tenants in one home.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use graph_sim::{DEFAULT_CLIENT_ID, DEFAULT_SECRET, DEFAULT_TENANT};

use super::{Home, document};

/// A tenant with a launched integration `contoso` that reads from `origin`. With a component of its own, which is
/// pinned, one field is mapped.
///
/// # Panics
/// When a command does not end well.
pub fn launched_tenant(home: &Home, name: &str, origin: &str, plugin: Option<&[u8]>) {
    let call = |arguments: &[&str]| home.call(&[&["--tenant", name], arguments].concat());
    let add = ["credential", "add", "entra", "--domain", origin, "--login", origin, "--tenant-id"];
    let rest = [DEFAULT_TENANT, "--client-id", DEFAULT_CLIENT_ID, "--secret-env", "THE_SECRET"];
    call(&[&add[..], &rest[..]].concat()).env("THE_SECRET", DEFAULT_SECRET).run().ended(0);
    let mut text = document(home, origin, "page-size = 20");
    if let Some(component) = plugin {
        let file = home.write(&format!("{name}.wasm"), component).display().to_string();
        let shown = call(&["plugin", "inspect", &file, "--json"]).run().ended(0).json();
        let pin = format!("plugin = {{ file = {file:?}, sha256 = {} }}\n", shown["plugin"]["digest"]);
        let (head, _) = text.split_once("[mapping]").expect("a mapping");
        text = format!("{pin}{head}[mapping]\nusername = \"userPrincipalName\"\n");
    }
    let file = home.write(&format!("{name}.toml"), text).display().to_string();
    call(&["integration", "save", "-f", &file]).run().ended(0);
    call(&["launch", "contoso"]).run().ended(0);
}

/// The origin of a server that drips an answer byte by byte, then talks rubbish and hangs up. It ends with the process.
///
/// # Panics
/// When there is no port for it.
#[must_use]
pub fn dripping() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            // A connection that breaks is the caller's to notice.
            thread::spawn(move || drop(drip(stream)));
        }
    });
    origin
}

fn drip(mut stream: TcpStream) -> std::io::Result<()> {
    let _ = stream.read(&mut [0; 4096])?;
    for byte in b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n{\"access_tok" {
        stream.write_all(&[*byte])?;
        thread::sleep(Duration::from_millis(5));
    }
    stream.write_all(&[0xff; 300])
}
