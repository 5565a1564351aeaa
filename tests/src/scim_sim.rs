//! A small SCIM 2.0 service over real sockets (RFC 7643, RFC 7644): users by index, one user by id, and what services
//! get wrong.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde_json::{Value, json};

/// What the service does, and what it was asked.
#[derive(Debug)]
pub struct ScimWorld {
    /// In the order of the listing; an entry without `id` is served as it is.
    pub users: Vec<Value>,
    /// The most that a page has, whatever `count` says.
    pub page_most: usize,
    /// `totalResults` of listings; none = the truth.
    pub total: Option<u64>,
    /// So many requests are answered with 429 and `Retry-After: 1` first.
    pub busy: u32,
    /// A 404 comes from a gateway, without a SCIM error.
    pub bare_404: bool,
    /// The token is sent back in the next answers.
    pub echoes: bool,
    /// Method and target of every request, in order.
    pub asked: Vec<String>,
    token: String,
}

/// The running service. It ends with the process.
#[derive(Debug)]
pub struct ScimSim {
    address: SocketAddr,
    world: Arc<Mutex<ScimWorld>>,
}

impl ScimSim {
    /// Starts a service that this bearer token opens.
    ///
    /// # Panics
    /// When there is no port for it.
    #[must_use]
    pub fn start(token: &str, users: Vec<Value>) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let address = listener.local_addr().expect("an address");
        let world = ScimWorld {
            users,
            page_most: 2,
            total: None,
            busy: 0,
            bare_404: false,
            echoes: false,
            asked: Vec::new(),
            token: token.to_owned(),
        };
        let world = Arc::new(Mutex::new(world));
        let theirs = Arc::clone(&world);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let world = Arc::clone(&theirs);
                // A connection that breaks is the caller's to notice.
                std::thread::spawn(move || drop(serve(&stream, &world)));
            }
        });
        Self { address, world }
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The world, to look at and to change.
    pub fn world(&self) -> MutexGuard<'_, ScimWorld> {
        lock(&self.world)
    }
}

fn lock(world: &Mutex<ScimWorld>) -> MutexGuard<'_, ScimWorld> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One connection, request by request.
fn serve(stream: &TcpStream, world: &Mutex<ScimWorld>) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream.try_clone()?);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (mut bearer, mut length) = (String::new(), 0_u64);
        loop {
            let mut header = String::new();
            reader.read_line(&mut header)?;
            let Some((name, value)) = header.trim_end().split_once(':') else { break };
            match name.to_ascii_lowercase().as_str() {
                "authorization" => bearer = value.trim().to_owned(),
                "content-length" => length = value.trim().parse().unwrap_or(0),
                _ => {}
            }
        }
        std::io::copy(&mut (&mut reader).take(length), &mut std::io::sink())?;
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (status, more, body) = answer(&mut lock(world), method, target, &bearer);
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/scim+json\r\ncontent-length: {}\r\n{more}\r\n",
            body.len()
        );
        let mut stream = stream;
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
    }
}

fn error(status: u16, detail: &str) -> (u16, &'static str, String) {
    let schema = "urn:ietf:params:scim:api:messages:2.0:Error";
    let body = json!({"schemas": [schema], "detail": detail, "status": status.to_string()});
    (status, "", body.to_string())
}

fn answer(world: &mut ScimWorld, method: &str, target: &str, bearer: &str) -> (u16, &'static str, String) {
    world.asked.push(format!("{method} {target}"));
    if bearer != format!("Bearer {}", world.token) {
        return error(401, "the token is not known here");
    }
    if world.echoes {
        return error(500, &format!("cannot work with {bearer}"));
    }
    if world.busy > 0 {
        world.busy -= 1;
        return (429, "retry-after: 1\r\n", String::new());
    }
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    match path.strip_prefix("/scim/v2/Users") {
        Some("") if method == "GET" => (200, "", list(world, query)),
        Some(id) if method == "GET" && id.starts_with('/') => {
            match world.users.iter().find(|it| it["id"] == id[1..]) {
                Some(user) => (200, "", user.to_string()),
                None if world.bare_404 => (404, "", "<html>not here</html>".to_owned()),
                None => error(404, "there is no such user"),
            }
        }
        _ => error(404, "there is no such endpoint"),
    }
}

fn list(world: &ScimWorld, query: &str) -> String {
    let number = |name: &str| {
        let pair = query.split('&').filter_map(|it| it.split_once('=')).find(|(key, _)| *key == name);
        pair.and_then(|(_, value)| value.parse::<usize>().ok())
    };
    let start = number("startIndex").unwrap_or(1).max(1);
    let count = number("count").unwrap_or(usize::MAX).min(world.page_most);
    let page: Vec<&Value> = world.users.iter().skip(start - 1).take(count).collect();
    let total = world.total.unwrap_or(world.users.len() as u64);
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:ListResponse"],
        "totalResults": total, "startIndex": start, "itemsPerPage": page.len(),
    });
    // Where there is nobody, services leave it out.
    if !page.is_empty() {
        body["Resources"] = json!(page);
    }
    body.to_string()
}
