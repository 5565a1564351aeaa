//! Hostile guests in the corners of the ABI, and bytes that are hardly a component.

use super::*;
use proptest::prelude::*;
use std::sync::OnceLock;

const ANSWER: &str = "(call $identity (i32.const 0) (i32.const 1))";

async fn identify(guest: &Guest) -> CallError {
    connector(&load(guest)).identify(&source()).await.unwrap_err()
}

#[tokio::test]
async fn bulk_memory_is_no_way_round_the_clock() {
    // Thirty-two MiB at a time: the engine looks at the clock between two fills, not within one.
    let fill = "(drop (memory.grow (i32.const 512)))
        (loop (memory.fill (i32.const 65536) (i32.const 7) (i32.const 33554432)) (br 0)) unreachable";
    let started = std::time::Instant::now();
    let error = identify(&Guest::new().export("identify", fill)).await;
    assert!(matches!(error, CallError::CpuLimit { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(10));
}

#[tokio::test]
async fn an_allocator_that_lies_is_a_crash_of_its_own() {
    // The next free byte is the last one that an address can say.
    let guest = Guest::new()
        .extra("(func $start (global.set $heap (i32.const -16))) (start $start)")
        .export("identify", ANSWER);
    let error = identify(&guest).await;
    assert!(matches!(error, CallError::Trap { .. } | CallError::MemoryLimit { .. }), "{error}");
}

#[tokio::test]
async fn a_crash_after_the_answer_is_a_crash() {
    let guest = Guest::new()
        .extra(
            r#"(func (export "cabi_post_userload:directory/connector@0.2.0#identify") (param i32) unreachable)"#,
        )
        .export("identify", ANSWER);
    let mut connector = connector(&load(&guest));
    for instances in 1..=2 {
        let error = connector.identify(&source()).await.unwrap_err();
        assert!(matches!(error, CallError::Trap { .. }), "{error}");
        assert_eq!(connector.usage().instances, instances, "the store is not used again");
    }
}

#[tokio::test]
async fn nothing_stays_from_one_session_to_the_next() {
    let counts = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (call $identity (i32.const 0) (global.get $calls))";
    let guest = Guest::new().extra("(global $calls (mut i32) (i32.const 0))").export("identify", counts);
    let plugin = load(&guest);
    for _ in 0..3 {
        let mut session = connector(&plugin);
        assert_eq!(session.identify(&source()).await.unwrap().tenant.len(), 1);
        assert_eq!(session.identify(&source()).await.unwrap().tenant.len(), 2);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: ProptestConfig::default().cases / 4, ..ProptestConfig::default() })]

    #[test]
    fn no_flipped_byte_makes_the_loader_panic(
        flips in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        static WHOLE: OnceLock<Vec<u8>> = OnceLock::new();
        static ENGINE: OnceLock<Engine> = OnceLock::new();
        let mut bytes = WHOLE.get_or_init(|| Guest::new().component()).clone();
        for (at, value) in flips {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Some(at) = cut {
            bytes.truncate(at.index(bytes.len()));
        }
        // A byte in a name may be another letter: then it is a plugin, or one of another contract.
        let _ = Plugin::load(ENGINE.get_or_init(|| Engine::new(options()).unwrap()), &bytes);
    }
}

#[test]
fn one_text_given_a_thousand_times() {
    // A thousand records whose fields are one and the same megabyte: a gigabyte for the host, next to nothing here.
    let many = "(local $n i32) (local $at i32) (drop (memory.grow (i32.const 32)))
        (loop
            (local.set $at (i32.add (i32.const 1200000) (i32.mul (local.get $n) (i32.const 36))))
            (i32.store offset=16 (local.get $at) (i32.const 131072))
            (i32.store offset=20 (local.get $at) (i32.const 1000000))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if 0 (i32.lt_u (local.get $n) (i32.const 1000))))
        (i32.store (i32.const 16) (i32.const 1200000)) (i32.store (i32.const 20) (i32.const 1000)) (i32.const 16)";
    let plugin = load(&Guest::new().export("map-records", many));
    let error = Transformer::new(&plugin, log()).map_records("{}", &["{}"]).unwrap_err();
    assert!(matches!(&error, CallError::HostAllocation { .. }), "{error}");
}

#[tokio::test]
async fn a_line_break_in_a_header_or_a_path_is_no_further_header() {
    let append = r#"(import "wasi:http/types@0.2.2" "[method]fields.append"
        (func $append (param i32 i32 i32 i32 i32 i32)))"#;
    // Each has to be refused: what is taken is a crash.
    let inject = "(local $fields i32) (local.set $fields (call $fields))
        (call $append (local.get $fields) (i32.const 1000) (i32.const 3) (i32.const 1003) (i32.const 13) (i32.const 64))
        (if (i32.eqz (i32.load8_u (i32.const 64))) (then unreachable))
        (call $append (local.get $fields) (i32.const 1000) (i32.const 16) (i32.const 1000) (i32.const 3) (i32.const 64))
        (if (i32.eqz (i32.load8_u (i32.const 64))) (then unreachable))
        (if (i32.eqz (call $set-path (call $request (local.get $fields)) (i32.const 1) (i32.const 1016) (i32.const 14)))
            (then unreachable))
        (call $identity (i32.const 1000) (i32.const 3))";
    let guest = Guest::new()
        .imports(guest::HTTP)
        .imports(append)
        .extra(r#"(data (i32.const 1000) "x-ab\0d\0ahost: evil/a\0d\0ahost: evil")"#)
        .export("identify", inject);
    assert_eq!(connector(&load(&guest)).identify(&source()).await.unwrap().tenant, "x-a");
}
