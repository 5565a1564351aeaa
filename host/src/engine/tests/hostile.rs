//! What a hostile plugin tries, and how it ends: a clear error, in bounded time, neighbours untouched.

use super::*;
use std::time::Instant;

const FOREVER: &str = "(loop (br 0)) unreachable";

async fn identify(guest: &Guest) -> (CallError, Usage) {
    let mut connector = connector(&load(guest));
    let error = connector.identify(&source()).await.unwrap_err();
    (error, connector.usage())
}

fn map(guest: &Guest) -> (CallError, Usage) {
    let mut transformer = Transformer::new(&load(guest), log());
    (transformer.map_record("{}", "{}").unwrap_err(), transformer.usage())
}

#[tokio::test]
async fn an_endless_loop_in_an_export() {
    let started = Instant::now();
    let guest = Guest::new().export("identify", FOREVER).export("map-record", FOREVER);
    let (error, usage) = identify(&guest).await;
    let limit = Duration::from_millis(200);
    assert_eq!(error, CallError::CpuLimit { call: "identify", limit });
    assert!((200..600).contains(&usage.cpu_ms), "{usage:?}");
    assert_eq!(map(&guest).0, CallError::CpuLimit { call: "map-record", limit });
    assert!(started.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn an_endless_loop_in_the_start_function() {
    let guest = Guest::new().extra("(func $start (loop (br 0))) (start $start)");
    assert!(matches!(identify(&guest).await.0, CallError::CpuLimit { .. }));
    assert!(matches!(map(&guest).0, CallError::CpuLimit { .. }));
}

#[tokio::test]
async fn a_memory_bomb() {
    let bomb = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable";
    let guest = Guest::new().export("identify", bomb).export("map-record", bomb);
    let limit = 64 << 20;
    let (error, usage) = identify(&guest).await;
    assert_eq!(error, CallError::MemoryLimit { call: "identify", limit });
    assert!((60 << 20..=limit as u64).contains(&usage.memory_peak), "{usage:?}");
    assert_eq!(map(&guest).0, CallError::MemoryLimit { call: "map-record", limit });
}

#[tokio::test]
async fn memory_is_one_allowance_for_tables_as_well() {
    let limits = Limits { memory: 3 << 16, ..options().connector };
    let options = EngineOptions { connector: limits, ..options() };
    // Two pages of memory are taken; a table of 20,000 elements would need 160,000 bytes.
    let guest = Guest::new().extra("(table $t 0 20000 funcref)").export(
        "identify",
        "(if (i32.ne (table.grow $t (ref.null func) (i32.const 15000)) (i32.const -1)) (then (loop (br 0)))) unreachable",
    );
    let mut connector = connector(&load_with(options, &guest));
    let error = connector.identify(&source()).await.unwrap_err();
    assert!(matches!(error, CallError::MemoryLimit { .. }), "{error}");
}

#[tokio::test]
async fn refused_memory_that_the_plugin_can_live_with_is_no_error() {
    let guest = Guest::new().export(
        "identify",
        "(drop (memory.grow (i32.const 60000))) (call $identity (i32.const 0) (i32.const 3))",
    );
    let mut connector = connector(&load(&guest));
    assert_eq!(connector.identify(&source()).await.unwrap().tenant.len(), 3);
}

#[tokio::test]
async fn endless_recursion() {
    let guest = Guest::new()
        .extra("(func $deep (call $deep) (call $deep))")
        .export("identify", "(call $deep) unreachable");
    let (error, _) = identify(&guest).await;
    assert!(matches!(&error, CallError::Trap { why, .. } if why.contains("stack")), "{error}");
}

#[tokio::test]
async fn a_crash_with_last_words() {
    let guest = Guest::new()
        .extra(r#"(data (i32.const 100) "panicked at map.rs:7")"#)
        .export("identify", "(call $log (i32.const 4) (i32.const 100) (i32.const 20)) unreachable");
    let (error, _) = identify(&guest).await;
    let words = error.to_string();
    assert!(
        words.contains("`identify` crashed") && words.ends_with("(its last words: panicked at map.rs:7)"),
        "{words}"
    );
}

#[tokio::test]
async fn a_huge_result_and_strings_that_lie() {
    let huge = "(drop (memory.grow (i32.const 600))) (call $mapped (i32.const 0) (i32.const 36000000))";
    let (error, _) = map(&Guest::new().export("map-record", huge));
    assert!(matches!(&error, CallError::HostAllocation { .. }), "{error}");
    let beyond = "(call $mapped (i32.const 131000) (i32.const 1000))";
    assert!(matches!(map(&Guest::new().export("map-record", beyond)).0, CallError::Trap { .. }));
    let not_utf8 = Guest::new()
        .extra(r#"(data (i32.const 100) "\ff\fe")"#)
        .export("map-record", "(call $mapped (i32.const 100) (i32.const 2))");
    assert!(matches!(map(&not_utf8).0, CallError::Trap { .. }));
}

#[tokio::test]
async fn a_flood_of_handles() {
    // Two thousand are few for the engine's own limits, and too many for ours.
    let flood = "(local $n i32) (loop
        (drop (call $fields))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 2000))))
        (call $identity (i32.const 0) (i32.const 1))";
    let (error, _) = identify(&Guest::new().imports(guest::HTTP).export("identify", flood)).await;
    assert!(matches!(error, CallError::HostAllocation { .. }), "{error}");
}

#[tokio::test]
async fn headers_that_are_too_large_together() {
    // Eight times 10 kB: more than 64 KiB, less than the library's own 128.
    let append = r#"(import "wasi:http/types@0.2.2" "[method]fields.append"
        (func $append (param i32 i32 i32 i32 i32 i32)))"#;
    let flood = "(local $n i32) (local $fields i32) (local.set $fields (call $fields)) (loop
        (call $append (local.get $fields) (i32.const 1000) (i32.const 1) (i32.const 20000) (i32.const 10000) (i32.const 64))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 8))))
        (call $identity (i32.const 4096) (i32.const 1))";
    let fill = r#"(data (i32.const 1000) "a")
        (func $start (memory.fill (i32.const 20000) (i32.const 120) (i32.const 10000))) (start $start)"#;
    let guest = Guest::new().imports(guest::HTTP).imports(append).extra(fill).export("identify", flood);
    let (error, _) = identify(&guest).await;
    assert!(matches!(error, CallError::HostAllocation { .. }), "{error}");
}

#[tokio::test]
async fn a_sleep_without_end_meets_the_clock_and_a_short_one_costs_no_cpu() {
    let sleep = |nanos: &str| {
        Guest::new().imports(guest::SLEEP).export(
            "identify",
            format!(
                "(call $block (call $sleep (i64.const {nanos}))) (call $identity (i32.const 0) (i32.const 1))"
            ),
        )
    };
    let wall = Limits { wall: Duration::from_millis(300), ..options().connector };
    let plugin = load_with(EngineOptions { connector: wall, ..options() }, &sleep("9000000000000000000"));
    let started = Instant::now();
    let error = connector(&plugin).identify(&source()).await.unwrap_err();
    assert_eq!(error, CallError::Deadline { call: "identify", limit: Duration::from_millis(300) });
    assert!(started.elapsed() < Duration::from_secs(1));

    // Longer than the CPU limit, which is 200 ms.
    let mut patient = connector(&load(&sleep("500000000")));
    patient.identify(&source()).await.unwrap();
    assert!(patient.usage().cpu_ms < 100, "{:?}", patient.usage());
}

#[tokio::test]
async fn many_naps_are_not_charged_either() {
    let naps = "(local $n i32) (loop
        (call $block (call $sleep (i64.const 12000000)))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 40))))
        (call $identity (i32.const 0) (i32.const 1))";
    let mut connector = connector(&load(&Guest::new().imports(guest::SLEEP).export("identify", naps)));
    connector.identify(&source()).await.unwrap();
    assert!(connector.usage().cpu_ms < 100, "{:?}", connector.usage());
}

#[tokio::test]
async fn a_store_is_never_used_again_after_a_failure() {
    let guest = Guest::new()
        .extra("(global $calls (mut i32) (i32.const 0))")
        .export(
            "identify",
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1))) (call $identity (i32.const 0) (global.get $calls))",
        )
        .export("fetch-users", "(call $error (i32.const 8) (i32.const 0) (i32.const 0))");
    let mut connector = connector(&load(&guest));
    let source = source();
    assert_eq!(connector.identify(&source).await.unwrap().tenant.len(), 1);
    assert_eq!(connector.identify(&source).await.unwrap().tenant.len(), 2);
    // The contract's own error leaves the instance alone.
    let error = connector.fetch_users(&source, None).await.unwrap_err();
    assert_eq!(error.contract(), Some(&contract::Error::Internal(String::new())));
    assert_eq!(connector.identify(&source).await.unwrap().tenant.len(), 3);
    // A crash does not.
    assert!(matches!(connector.confirm_absent(&source, &[]).await, Err(CallError::Trap { .. })));
    assert_eq!(connector.identify(&source).await.unwrap().tenant.len(), 1);
    assert_eq!((connector.usage().calls, connector.usage().instances), (6, 2));
}

/// One thread for everybody: a plugin that computes must let the others run.
#[tokio::test(flavor = "current_thread")]
async fn a_busy_plugin_does_not_starve_its_neighbour() {
    let busy =
        Limits { cpu: Duration::from_millis(1_500), wall: Duration::from_secs(5), ..Limits::connector() };
    let engine = Engine::new(EngineOptions { connector: busy, ..options() }).unwrap();
    let plugin =
        |body: &str| Plugin::load(&engine, &Guest::new().export("identify", body).component()).unwrap();
    let (mut hog, mut quick) =
        (connector(&plugin(FOREVER)), connector(&plugin("(call $identity (i32.const 0) (i32.const 1))")));
    let hog = tokio::spawn(async move { hog.identify(&source()).await });
    tokio::task::yield_now().await;
    quick.identify(&source()).await.unwrap();
    assert!(!hog.is_finished(), "it waited until its neighbour was stopped");
    assert!(matches!(hog.await.unwrap(), Err(CallError::CpuLimit { .. })));
}

#[tokio::test]
async fn a_call_that_nobody_waits_for_ends() {
    let mut connector = connector(&load(&Guest::new().export("identify", FOREVER)));
    let given_up = tokio::time::timeout(Duration::from_millis(50), connector.identify(&source())).await;
    assert!(given_up.is_err());
    tokio::time::sleep(Duration::from_millis(50)).await;
    let spent = connector.usage().cpu_ms;
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(connector.usage().cpu_ms, spent, "it is still running");
}

#[tokio::test]
async fn a_full_house_is_said_to_be_one() {
    let answer = "(call $identity (i32.const 0) (i32.const 1))";
    let plugin =
        load_with(EngineOptions { instances: 1, ..options() }, &Guest::new().export("identify", answer));
    let (mut first, mut second) = (connector(&plugin), connector(&plugin));
    first.identify(&source()).await.unwrap();
    assert_eq!(second.identify(&source()).await, Err(CallError::Crowded { call: "identify" }));
    drop(first);
    second.identify(&source()).await.unwrap();
}

#[test]
fn the_pure_half_has_a_log_and_nothing_else() {
    let secret = "(call $placeholder (i32.const 0) (i32.const 1) (i32.const 64)) (call $mapped (i32.const 0) (i32.const 0))";
    assert!(matches!(map(&Guest::new().export("map-record", secret)).0, CallError::Trap { .. }));
    let http = "(drop (call $fields)) (call $mapped (i32.const 0) (i32.const 0))";
    assert!(matches!(
        map(&Guest::new().imports(guest::HTTP).export("map-record", http)).0,
        CallError::Trap { .. }
    ));
    let talk = Guest::new().extra(r#"(data (i32.const 100) "hello")"#).export(
        "map-record",
        "(call $log (i32.const 2) (i32.const 100) (i32.const 5)) (call $mapped (i32.const 100) (i32.const 5))",
    );
    let mut transformer = Transformer::new(&load(&talk), log());
    assert_eq!(transformer.map_record("{}", "{}").unwrap().unwrap().fields, "hello");
    assert_eq!(transformer.log().take()[0].text, "hello");
}

#[tokio::test]
async fn a_flood_of_words_is_cut_and_counted() {
    let flood = "(local $n i32) (loop
        (call $log (i32.const 3) (i32.const 0) (i32.const 60000))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if 0 (i32.lt_u (local.get $n) (i32.const 2000))))
        (call $identity (i32.const 0) (i32.const 1))";
    let words =
        r#"(func $start (memory.fill (i32.const 0) (i32.const 120) (i32.const 60000))) (start $start)"#;
    let generous =
        Limits { cpu: Duration::from_secs(5), wall: Duration::from_secs(5), ..Limits::connector() };
    let guest = Guest::new().extra(words).export("identify", flood);
    let mut connector = connector(&load_with(EngineOptions { connector: generous, ..options() }, &guest));
    connector.identify(&source()).await.unwrap();
    let usage = connector.usage();
    assert_eq!(usage.log_lines + usage.log_dropped, 2_000);
    let bytes: usize = connector.log().take().iter().map(|line| line.text.len()).sum();
    assert!(bytes < 260 * 1_024, "{bytes}");
}

/// What a run may use in all ends it, though every call keeps to its own limit; and then nothing of it runs.
#[tokio::test]
async fn a_run_has_so_much_processor_and_time_in_all() {
    let guest = Guest::new().export("identify", FOREVER).export("map-record", FOREVER);
    let plugin = load(&guest);
    let cpu = Duration::from_millis(60);
    let meter = Meter::new(RunBudget { cpu, ..RunBudget::default() });
    let capabilities =
        ConnectorCapabilities { meter: meter.clone(), ..capabilities(Grants::default(), SecretSet::none()) };
    let mut session = Connector::new(&plugin, capabilities);
    let over = |call| CallError::Budget { call, what: "processor time", limit: cpu };
    assert_eq!(session.identify(&source()).await.unwrap_err(), over("identify"));
    assert!((60..200).contains(&meter.used().cpu_ms), "{:?}", meter.used());
    // The other half is charged to the same run.
    let used = meter.used().cpu_ms;
    let mut transformer = Transformer::metered(&plugin, log(), meter.clone());
    assert_eq!(transformer.map_record("{}", "{}").unwrap_err(), over("map-record"));
    assert_eq!(session.identify(&source()).await.unwrap_err(), over("identify"));
    assert_eq!(meter.used().cpu_ms, used, "something ran all the same");

    let wall = Duration::from_millis(80);
    let meter = Meter::new(RunBudget { wall, ..RunBudget::default() });
    let capabilities =
        ConnectorCapabilities { meter, ..super::capabilities(Grants::default(), SecretSet::none()) };
    let mut session = Connector::new(&plugin, capabilities);
    let error = session.identify(&source()).await.unwrap_err();
    assert_eq!(error, CallError::Budget { call: "identify", what: "time", limit: wall });
}

#[tokio::test]
async fn an_operator_can_give_less_memory_and_never_more() {
    let bomb = "(loop (br_if 0 (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable";
    let plugin = load(&Guest::new().export("identify", bomb));
    for (given, limit) in [(8 << 20, 8 << 20), (1 << 30, 64 << 20)] {
        let meter = Meter::new(RunBudget { memory: Some(given), ..RunBudget::default() });
        let capabilities =
            ConnectorCapabilities { meter, ..capabilities(Grants::default(), SecretSet::none()) };
        let error = Connector::new(&plugin, capabilities).identify(&source()).await.unwrap_err();
        assert_eq!(error, CallError::MemoryLimit { call: "identify", limit });
    }
}
