//! The exported functions: conversions at the edge, and nothing else.

#[cfg(all(target_arch = "wasm32", feature = "component"))]
mod component {
    use std::cell::RefCell;

    use crate::bindings::exports::userload::directory::connector::{
        self, CredentialFacts, CredentialPage, DeltaStart, FilterReport, Identity, ManagerPage, Manifest,
        Page, Presence, RolePage, RoleSource, SaasPage, Source,
    };
    use crate::bindings::exports::userload::directory::transform::{
        self, Decision, Incoming, MappedRecord, MappingFault, MappingNeeds,
    };
    use crate::bindings::userload::directory::types::{BadRecord, Error, Setting};
    use crate::host_imports::wasi::{Host, log_panics};
    use crate::oauth::Tokens;

    thread_local! {
        /// What a lost instance loses: one request for a token.
        static TOKENS: RefCell<Tokens> = const { RefCell::new(Tokens::new()) };
    }

    struct Component;

    fn online<T>(call: impl FnOnce(&mut Host, &mut Tokens) -> T) -> T {
        log_panics();
        TOKENS.with_borrow_mut(|tokens| call(&mut Host, tokens))
    }

    impl connector::Guest for Component {
        fn describe() -> Manifest {
            log_panics();
            crate::describe()
        }

        fn complete_settings(settings: Vec<Setting>) -> Result<Vec<Setting>, Error> {
            log_panics();
            crate::complete_settings(&settings)
        }

        fn check_filter(source: Source) -> FilterReport {
            log_panics();
            crate::check_filter(&source)
        }

        fn count_users(source: Source) -> Result<Option<u64>, Error> {
            online(|host, tokens| crate::count_users(host, tokens, &source))
        }

        fn identify(source: Source) -> Result<Identity, Error> {
            online(|host, tokens| crate::identify(host, tokens, &source))
        }

        fn credential_pages(settings: Vec<Setting>) -> Result<Vec<CredentialPage>, Error> {
            log_panics();
            crate::credential_pages(&settings)
        }

        fn inspect_credential(source: Source) -> Result<CredentialFacts, Error> {
            online(|host, tokens| crate::inspect_credential(host, tokens, &source))
        }

        fn fetch_users(source: Source, after: Option<String>) -> Result<Page, Error> {
            online(|host, tokens| crate::fetch_users(host, tokens, &source, after.as_deref()))
        }

        fn begin_delta(source: Source) -> Result<DeltaStart, Error> {
            online(|host, tokens| crate::begin_delta(host, tokens, &source))
        }

        fn confirm_absent(source: Source, ids: Vec<String>) -> Result<Vec<Presence>, Error> {
            online(|host, tokens| crate::confirm_absent(host, tokens, &source, &ids))
        }

        fn fetch_saas_users(source: Source, after: Option<String>) -> Result<SaasPage, Error> {
            online(|host, tokens| crate::fetch_saas_users(host, tokens, &source, after.as_deref()))
        }

        fn fetch_saas_roles(
            source: Source,
            roles: RoleSource,
            after: Option<String>,
        ) -> Result<RolePage, Error> {
            online(|host, tokens| crate::fetch_saas_roles(host, tokens, &source, &roles, after.as_deref()))
        }

        fn fetch_managers(source: Source, after: Option<String>) -> Result<ManagerPage, Error> {
            online(|host, tokens| crate::fetch_managers(host, tokens, &source, after.as_deref()))
        }
    }

    impl transform::Guest for Component {
        fn map_record(mapping: String, raw: String) -> Result<MappedRecord, BadRecord> {
            log_panics();
            crate::map_record(&mapping, &raw)
        }

        fn map_records(mapping: String, raw: Vec<String>) -> Vec<Result<MappedRecord, BadRecord>> {
            log_panics();
            crate::map_records(&mapping, &raw)
        }

        fn examine_mapping(mapping: String) -> Result<MappingNeeds, Vec<MappingFault>> {
            log_panics();
            crate::examine_mapping(&mapping)
        }

        fn reconcile(policy: String, incoming: Incoming) -> Result<Vec<Decision>, Error> {
            log_panics();
            crate::reconcile(&policy, &incoming)
        }
    }

    #[allow(
        unsafe_code,
        unreachable_pub,
        reason = "generated: the exports of a component are unsafe functions"
    )]
    mod exported {
        crate::bindings::export!(Component with_types_in crate::bindings);
        use super::Component;
    }
}
