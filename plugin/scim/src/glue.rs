//! The exported functions: each one line of work, or the honest answer that SCIM has no such thing.

#[cfg(target_arch = "wasm32")]
mod component {
    use userload_plugin::bindings::exports::userload::directory::connector::{
        self, CredentialFacts, CredentialPage, DeltaStart, FilterReport, Identity, ManagerPage, Manifest,
        Next, Page, Presence, RolePage, RoleSource, SaasPage, Source,
    };
    use userload_plugin::bindings::exports::userload::directory::transform::{
        self, Decision, Incoming, MappedRecord, MappingFault, MappingNeeds,
    };
    use userload_plugin::bindings::userload::directory::types::{BadRecord, Error, Setting};
    use userload_plugin::kit::{Host, log_panics};

    struct Component;

    impl connector::Guest for Component {
        fn describe() -> Manifest {
            crate::describe()
        }

        fn complete_settings(settings: Vec<Setting>) -> Result<Vec<Setting>, Error> {
            crate::complete_settings(&settings)
        }

        fn check_filter(source: Source) -> FilterReport {
            crate::check_filter(&source)
        }

        fn count_users(source: Source) -> Result<Option<u64>, Error> {
            log_panics();
            crate::count_users(&mut Host, &source)
        }

        fn identify(source: Source) -> Result<Identity, Error> {
            log_panics();
            crate::identify(&mut Host, &source)
        }

        fn credential_pages(_: Vec<Setting>) -> Result<Vec<CredentialPage>, Error> {
            Ok(Vec::new())
        }

        fn inspect_credential(_: Source) -> Result<CredentialFacts, Error> {
            Ok(CredentialFacts { permissions: None, keys: None })
        }

        fn fetch_users(source: Source, after: Option<String>) -> Result<Page, Error> {
            log_panics();
            crate::fetch_users(&mut Host, &source, after.as_deref())
        }

        fn begin_delta(_: Source) -> Result<DeltaStart, Error> {
            Ok(DeltaStart::Untold("SCIM tells no changes".to_owned()))
        }

        fn confirm_absent(source: Source, ids: Vec<String>) -> Result<Vec<Presence>, Error> {
            log_panics();
            crate::confirm_absent(&mut Host, &source, &ids)
        }

        fn fetch_saas_users(_: Source, _: Option<String>) -> Result<SaasPage, Error> {
            Err(Error::Internal("SCIM does not tell who uses an application".to_owned()))
        }

        fn fetch_saas_roles(_: Source, _: RoleSource, _: Option<String>) -> Result<RolePage, Error> {
            let missing = Some("SCIM does not tell roles in applications".to_owned());
            Ok(RolePage { holders: Vec::new(), next: Next::Complete(None), missing })
        }

        fn fetch_managers(_: Source, _: Option<String>) -> Result<ManagerPage, Error> {
            // Nobody is in here: every manager is unknown, none is none.
            Ok(ManagerPage { users: Vec::new(), next: Next::Complete(None) })
        }
    }

    impl transform::Guest for Component {
        fn map_record(mapping: String, raw: String) -> Result<MappedRecord, BadRecord> {
            log_panics();
            userload_plugin::map_record_of(crate::ENABLED, &mapping, &raw)
        }

        fn map_records(mapping: String, raw: Vec<String>) -> Vec<Result<MappedRecord, BadRecord>> {
            log_panics();
            userload_plugin::map_records_of(crate::ENABLED, &mapping, &raw)
        }

        fn examine_mapping(mapping: String) -> Result<MappingNeeds, Vec<MappingFault>> {
            log_panics();
            userload_plugin::examine_mapping_of(crate::ENABLED, &mapping)
        }

        fn reconcile(policy: String, incoming: Incoming) -> Result<Vec<Decision>, Error> {
            log_panics();
            userload_plugin::reconcile(&policy, &incoming)
        }
    }

    #[allow(
        unsafe_code,
        unreachable_pub,
        reason = "generated: the exports of a component are unsafe functions"
    )]
    mod exported {
        userload_plugin::bindings::export!(Component with_types_in userload_plugin::bindings);
        use super::Component;
    }
}
