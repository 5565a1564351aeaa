//! A component of the contract in which every export traps but those that a test writes.

use std::collections::BTreeMap;
use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

/// Core signatures of the exports by the canonical ABI.
const EXPORTS: [(&str, &str, usize); 17] = [
    ("connector", "describe", 0),
    ("connector", "complete-settings", 2),
    ("connector", "check-filter", 9),
    ("connector", "count-users", 9),
    ("connector", "identify", 9),
    ("connector", "credential-pages", 2),
    ("connector", "inspect-credential", 9),
    ("connector", "fetch-users", 12),
    ("connector", "begin-delta", 9),
    ("connector", "confirm-absent", 11),
    ("connector", "fetch-saas-users", 12),
    ("connector", "fetch-saas-roles", 15),
    ("connector", "fetch-managers", 12),
    ("transform", "map-record", 4),
    ("transform", "map-records", 4),
    ("transform", "examine-mapping", 2),
    ("transform", "reconcile", 6),
];

/// Imports that a guest may use, by a short name.
const IMPORTS: &str = r#"
  (import "userload:directory/log@0.2.0" "log" (func $log (param i32 i32 i32)))
  (import "userload:directory/secrets@0.2.0" "placeholder" (func $placeholder (param i32 i32 i32)))
"#;

pub(super) const HTTP: &str = r#"
  (import "wasi:http/types@0.2.2" "[constructor]fields" (func $fields (result i32)))
  (import "wasi:http/types@0.2.2" "[constructor]outgoing-request" (func $request (param i32) (result i32)))
  (import "wasi:http/types@0.2.2" "[method]outgoing-request.set-scheme"
    (func $set-scheme (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.2" "[method]outgoing-request.set-authority"
    (func $set-authority (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/types@0.2.2" "[method]outgoing-request.set-path-with-query"
    (func $set-path (param i32 i32 i32 i32) (result i32)))
  (import "wasi:http/outgoing-handler@0.2.2" "handle" (func $handle (param i32 i32 i32 i32)))
  (import "wasi:http/types@0.2.2" "[method]future-incoming-response.subscribe" (func $subscribe (param i32) (result i32)))
  (import "wasi:io/poll@0.2.2" "[method]pollable.block" (func $block (param i32)))
  (import "wasi:http/types@0.2.2" "[method]future-incoming-response.get" (func $get (param i32 i32)))
  (import "wasi:http/types@0.2.2" "[method]incoming-response.status" (func $status (param i32) (result i32)))
"#;

pub(super) const SLEEP: &str = r#"
  (import "wasi:clocks/monotonic-clock@0.2.2" "subscribe-duration" (func $sleep (param i64) (result i32)))
  (import "wasi:io/poll@0.2.2" "[method]pollable.block" (func $block (param i32)))
"#;

#[derive(Clone)]
pub(super) struct Guest {
    imports: String,
    extra: String,
    pages: u32,
    bodies: BTreeMap<&'static str, String>,
}

impl Guest {
    pub(super) fn new() -> Self {
        Self { imports: IMPORTS.to_owned(), extra: String::new(), pages: 2, bodies: BTreeMap::new() }
    }

    /// The body of an export, as instructions that leave the address of the result.
    pub(super) fn export(mut self, name: &'static str, body: impl Into<String>) -> Self {
        assert!(EXPORTS.iter().any(|(_, export, _)| *export == name), "{name}");
        self.bodies.insert(name, body.into());
        self
    }

    pub(super) fn imports(mut self, text: &str) -> Self {
        self.imports.push_str(text);
        self
    }

    /// More module fields: data, globals, functions, a start function.
    pub(super) fn extra(mut self, text: impl AsRef<str>) -> Self {
        self.extra.push_str(text.as_ref());
        self
    }

    pub(super) fn pages(mut self, pages: u32) -> Self {
        self.pages = pages;
        self
    }

    pub(super) fn module(&self) -> Vec<u8> {
        let mut text =
            format!("(module {}\n(memory (export \"memory\") {})\n{ALLOC}\n", self.imports, self.pages);
        for (interface, name, params) in EXPORTS {
            let body = self.bodies.get(name).map_or("unreachable", String::as_str);
            let params = "i32 ".repeat(params);
            text.push_str(&format!(
                "(func (export \"userload:directory/{interface}@0.2.0#{name}\") (param {params}) (result i32) {body})\n"
            ));
        }
        text.push_str(&self.extra);
        text.push(')');
        wat::parse_str(&text).unwrap_or_else(|error| panic!("{error}\n{text}"))
    }

    pub(super) fn component(&self) -> Vec<u8> {
        let mut resolve = Resolve::default();
        let (package, _) = resolve.push_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../wit")).unwrap();
        let world = resolve.select_world(&[package], Some("plugin")).unwrap();
        let mut module = self.module();
        embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8, false).unwrap();
        let mut encoder = ComponentEncoder::default();
        encoder.validate(true).module(&module).unwrap().encode().unwrap()
    }
}

/// A bump allocator that grows the memory, results at address 16, and helpers to answer with.
const ALLOC: &str = r#"
  (global $heap (mut i32) (i32.const 65536))
  (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32)
    (local $at i32)
    (local.set $at (i32.and (i32.add (global.get $heap) (i32.const 15)) (i32.const -16)))
    (global.set $heap (i32.add (local.get $at) (local.get 3)))
    (block $done (loop $more
      (br_if $done (i32.le_u (global.get $heap) (i32.mul (memory.size) (i32.const 65536))))
      (if (i32.eq (memory.grow (i32.const 16)) (i32.const -1)) (then unreachable))
      (br $more)))
    (local.get $at))
  ;; ok(identity { tenant: `len` bytes at `ptr`, cloud: "" })
  (func $identity (param $ptr i32) (param $len i32) (result i32)
    (i64.store (i32.const 16) (i64.const 0))
    (i32.store (i32.const 24) (local.get $ptr)) (i32.store (i32.const 28) (local.get $len))
    (i64.store (i32.const 32) (i64.const 0))
    (i32.const 16))
  ;; err(the case `case`, which has a text as its payload)
  (func $error (param $case i32) (param $ptr i32) (param $len i32) (result i32)
    (i64.store (i32.const 16) (i64.const 1)) (i64.store (i32.const 24) (i64.const 0))
    (i32.store8 (i32.const 24) (local.get $case))
    (i32.store (i32.const 32) (local.get $ptr)) (i32.store (i32.const 36) (local.get $len))
    (i32.const 16))
  ;; ok(mapped-record { id: "", enabled: none, fields: `len` bytes at `ptr`, filtered: none })
  (func $mapped (param $ptr i32) (param $len i32) (result i32)
    (i64.store (i32.const 16) (i64.const 0)) (i64.store (i32.const 24) (i64.const 0))
    (i32.store (i32.const 32) (local.get $ptr)) (i32.store (i32.const 36) (local.get $len))
    (i32.store (i32.const 40) (i32.const 0))
    (i32.const 16))
"#;
