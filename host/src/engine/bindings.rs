//! Generated from `wit/`: nothing else stands here.

// Host functions (`secrets`, `log`) answer at once. Of the exports only those that talk to the source are
// async; the pure ones are called directly, which is four times cheaper.
wasmtime::component::bindgen!({
    path: "../wit",
    world: "plugin-bindings",
    exports: {
        "userload:directory/connector.identify": async,
        "userload:directory/connector.inspect-credential": async,
        "userload:directory/connector.fetch-users": async,
        "userload:directory/connector.begin-delta": async,
        "userload:directory/connector.confirm-absent": async,
        "userload:directory/connector.fetch-saas-users": async,
        "userload:directory/connector.fetch-saas-roles": async,
        "userload:directory/connector.fetch-managers": async,
        "userload:directory/connector.count-users": async,
    },
    additional_derives: [PartialEq, Eq, serde::Serialize],
});
