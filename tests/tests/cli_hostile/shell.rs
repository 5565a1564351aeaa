//! A plugin that answers whatever is asked before a run reads anything: a manifest with one field and one
//! secret, the settings as they were given, a mapping that maps. What it does when it is asked whose directory it opens
//! is up to the test.

use crate::guest::Guest;

/// Where texts and lists stand.
const BASE: usize = 8192;

/// Data of a module, laid out as the canonical ABI has it.
struct Data(Vec<u8>);

impl Data {
    /// Puts bytes there; gives their address.
    fn put(&mut self, bytes: &[u8]) -> u32 {
        self.0.resize(self.0.len().next_multiple_of(8), 0);
        let at = BASE + self.0.len();
        self.0.extend_from_slice(bytes);
        u32::try_from(at).unwrap()
    }

    /// A text: address and length.
    fn text(&mut self, text: &str) -> [u8; 8] {
        let at = self.put(text.as_bytes());
        pair(at, text.len())
    }

    /// A list: address and length.
    fn list(&mut self, elements: &[Vec<u8>]) -> [u8; 8] {
        let at = self.put(&elements.concat());
        pair(at, elements.len())
    }
}

fn pair(at: u32, len: usize) -> [u8; 8] {
    let mut bytes = [0; 8];
    bytes[..4].copy_from_slice(&at.to_le_bytes());
    bytes[4..].copy_from_slice(&u32::try_from(len).unwrap().to_le_bytes());
    bytes
}

/// The plugin. It asks for these origins.
pub(crate) fn shell(origins: &[&str]) -> Guest {
    let mut data = Data(Vec::new());
    let application = data.text("Something useful");
    let origins: Vec<Vec<u8>> = origins.iter().map(|it| data.text(it).to_vec()).collect();
    let origins = data.list(&origins);
    // field-info: path, label, type (2 = text or whatever comes third), by default, not synthetic.
    let field = [&data.text("userPrincipalName")[..], &data.text("Name"), &[2, 1, 0, 0]].concat();
    let fields = data.list(&[field]);
    // secret-ask: name, label, a text that may be missing, origin, method, path, a field of a form.
    let secret = [
        &data.text("client-secret")[..],
        &data.text("Secret"),
        &[0, 1, 0, 0],
        &data.text("https://login.example"),
        &data.text("POST"),
        &data.text("/token"),
        &[1, 0, 0, 0],
        &data.text("client_secret"),
        &pair(0, 0),
        // Whatever the settings say, and of nobody: it is no key.
        &[0; 20],
        &[0; 12],
    ];
    let secrets = data.list(&[secret.concat()]);
    let nothing = pair(0, 0);
    let manifest =
        [application, nothing, nothing, nothing, secrets, nothing, origins, fields, nothing, nothing]
            .concat();
    let manifest = data.put(&manifest);
    let escaped: String = data.0.iter().map(|byte| format!("\\{byte:02x}")).collect();
    Guest::new()
        .extra(format!("(data (i32.const {BASE}) \"{escaped}\")"))
        .export("describe", format!("(i32.const {manifest})"))
        .export(
            "complete-settings",
            "(i64.store (i32.const 16) (i64.const 0))
             (i32.store (i32.const 24) (local.get 0)) (i32.store (i32.const 28) (local.get 1))
             (i32.const 16)",
        )
        // Needs no property.
        .export(
            "examine-mapping",
            "(i64.store (i32.const 64) (i64.const 0)) (i64.store (i32.const 72) (i64.const 0)) (i32.const 64)",
        )
        .export("map-record", "(call $mapped (i32.const 0) (i32.const 0))")
}

/// A shell that sends `GET /` to `authority` when it is asked whose directory it opens, and says that it was
/// denied when that fails.
pub(crate) fn fetcher(origins: &[&str], authority: &str) -> Guest {
    let len = authority.len();
    let body = format!(
        "(local $request i32) (local $future i32)
        (local.set $request (call $request (call $fields)))
        (drop (call $set-scheme (local.get $request) (i32.const 1) (i32.const 0) (i32.const 0) (i32.const 0)))
        (drop (call $set-authority (local.get $request) (i32.const 1) (i32.const 1000) (i32.const {len})))
        (drop (call $set-path (local.get $request) (i32.const 1) (i32.const 999) (i32.const 1)))
        (call $handle (local.get $request) (i32.const 0) (i32.const 0) (i32.const 2000))
        (if (i32.load8_u (i32.const 2000)) (then unreachable))
        (local.set $future (i32.load (i32.const 2008)))
        (call $block (call $subscribe (local.get $future)))
        (call $get (local.get $future) (i32.const 3000))
        (if (i32.load8_u (i32.const 3016)) (then (return (call $error (i32.const 3) (i32.const 1000) (i32.const {len})))))
        (call $identity (i32.const 4096) (call $status (i32.load (i32.const 3024))))"
    );
    shell(origins)
        .imports(crate::guest::HTTP)
        .extra(format!("(data (i32.const 999) \"/{authority}\")"))
        .export("identify", body)
}
