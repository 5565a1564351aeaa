//! Before a run: settings, credential, grants, mapping, plugin. All problems in one report; nothing is sent.

use std::sync::Arc;

use super::filter::FilterCheck;
use super::run::LastApplied;
use super::terms::Feeder;
use crate::capabilities::{Egress, EgressOptions, Grant, Grants, Log, LogLimits, Secret, SecretSet};
use crate::config::{self, ConfigReport, Integration, Sandbox, SourceField};
use crate::credential::Credential;
use crate::engine::contract::{Error, Manifest, Setting, Source, ValueType as WireType};
use crate::engine::{CallError, Connector, ConnectorCapabilities, Meter, Needs, Plugin, Transformer};
use crate::model::{MANAGER, Targets, ValueType};
use crate::store::{IntegrationRow, Store};

/// One thing that is wrong before a run, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where: `settings`, `credential`, `grants`, `mapping`, `filter`, `plugin`.
    pub place: &'static str,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub help: Option<String>,
}

/// Everything that a run needs, and that held when it was looked at.
pub struct Ready {
    /// The integration.
    pub integration: Integration,
    /// The other launched integrations.
    pub others: Vec<Feeder>,
    /// The mapping, as the plugin takes it.
    pub mapping: String,
    /// The policy, as the plugin takes it.
    pub policy: String,
    /// What to read.
    pub source: Source,
    /// Digest of filter, mapping and match keys.
    pub shape: String,
    /// Digest of document, credential settings and plugin.
    pub config: String,
    /// Digest of everything but the record that decides an outcome.
    pub basis: String,
    /// What the last applied run left.
    pub applied: LastApplied,
    /// What the plugin says about the filter; none when everybody is read.
    pub filter: Option<FilterCheck>,
    /// To talk to the source.
    pub connector: Connector,
}

impl Ready {
    /// What the plugin used, and how much it might.
    #[must_use]
    pub fn receipt(&self) -> serde_json::Value {
        let sandbox = &self.integration.sandbox;
        let mut receipt = serde_json::to_value(self.connector.usage()).unwrap_or_default();
        if let Some(receipt) = receipt.as_object_mut() {
            receipt.insert(
                "run".to_owned(),
                serde_json::to_value(self.connector.meter().used()).unwrap_or_default(),
            );
            receipt.insert(
                "limits".to_owned(),
                serde_json::json!({
                    "requests": sandbox.traffic.requests, "sent_bytes": sandbox.traffic.sent,
                    "received_bytes": sandbox.traffic.received, "memory": self.connector.limits().memory,
                    "log_bytes": sandbox.log_bytes.unwrap_or(LogLimits::default().total_bytes),
                }),
            );
        }
        receipt
    }
}

/// The fields of a manifest, as documents name them.
#[must_use]
pub fn source_fields(manifest: &Manifest) -> Vec<SourceField> {
    manifest
        .fields
        .iter()
        .map(|field| SourceField {
            path: field.path.clone(),
            label: field.label.clone(),
            value_type: match field.type_of {
                WireType::Flag => ValueType::Flag,
                WireType::Number => ValueType::Number,
                WireType::Text => ValueType::Text,
                WireType::Time => ValueType::Time,
            },
            synthetic: field.synthetic,
        })
        .collect()
}

/// Completes a credential's settings.
///
/// # Errors
/// All settings that the plugin cannot work with.
pub fn complete(plugin: &Plugin, credential: &Credential) -> Result<Vec<Setting>, Vec<Problem>> {
    let given: Vec<Setting> = credential
        .settings
        .iter()
        .map(|(name, value)| Setting { name: name.clone(), value: value.clone() })
        .collect();
    let mut transformer = Transformer::new(plugin, Log::new(LogLimits::default(), SecretSet::none()));
    transformer.complete_settings(&given).map_err(|error| match error.contract() {
        Some(Error::Settings(problems)) => problems
            .iter()
            .map(|it| Problem {
                place: "settings",
                what: format!("credential `{}`, `{}`: {}", credential.name, it.setting, it.problem),
                help: Some(format!("userload credential edit {}", credential.name)),
            })
            .collect(),
        _ => vec![broken(&error)],
    })
}

/// Holds an integration, its credential and the plugin together, and makes the session that may talk to the
/// source.
///
/// # Errors
/// All problems that can be found without sending anything.
pub fn prepare(
    plugin: &Plugin,
    manifest: &Manifest,
    store: &Store,
    row: &IntegrationRow,
    credential: Credential,
) -> Result<Ready, Vec<Problem>> {
    let mut problems = Vec::new();
    let fields = source_fields(manifest);
    let integration = match config::parse(&row.name, &row.document, &fields, store.targets()) {
        Ok(integration) => Some(integration),
        Err(report) => {
            problems.push(Problem { place: "document", what: report.to_string(), help: None });
            None
        }
    };
    let settings = complete(plugin, &credential).map_err(|more| problems.extend(more)).ok();
    let (Some(integration), Some(settings)) = (integration, settings) else { return Err(problems) };
    let mapping = config::mapping_text(&integration);
    let policy = config::policy_text(&integration);
    let select = examine(plugin, &integration, &row.name, &row.document, store.targets());
    let select = select.map_err(|error| {
        problems.push(match error {
            Examined::Faults(report) => Problem { place: "mapping", what: report.to_string(), help: None },
            Examined::Plugin(problem) => problem,
        });
    });
    let filter = try_filter(plugin, &integration, &settings, &mut problems);
    let session = session(plugin, manifest, &settings, credential, &integration);
    let connector = session.map_err(|more| problems.extend(more)).ok();
    let others = others(store, &integration, &fields).map_err(|problem| problems.push(problem)).ok();
    let (Some(connector), Some(others), Ok(select)) = (connector, others, select) else {
        return Err(problems);
    };
    if !problems.is_empty() {
        return Err(problems);
    }
    let shape = config::shape_digest(&integration);
    let told: Vec<String> = settings.iter().map(|it| format!("{}={}", it.name, it.value)).collect();
    let digest = |parts: &[&str]| config::document_digest(&parts.join("\u{1f}"));
    let feeders = format!("{others:?}");
    Ok(Ready {
        config: digest(&[&row.document, &told.join("\u{1e}"), plugin.digest(), &feeders]),
        basis: digest(&[
            &mapping,
            &policy,
            &integration.match_keys.join(","),
            &integration.access_roles.join(","),
            plugin.digest(),
            &feeders,
        ]),
        source: Source {
            settings,
            filter: integration.filter.clone(),
            select,
            page_size: integration.page_size,
            delta: false,
        },
        applied: LastApplied {
            source_tenant: row.source_tenant.clone(),
            cloud: row.cloud.clone(),
            shape: row.applied_shape.clone(),
            complete_rows: row.complete_rows,
        },
        mapping,
        policy,
        shape,
        integration,
        others,
        filter,
        connector,
    })
}

/// How the help for a missing grant begins; the line to add follows.
pub const TO_ALLOW: &str = "to allow it, add to the integration: ";

/// The session of an integration: what the plugin asks for, and the operator granted.
///
/// # Errors
/// All holes, grants and secrets that are missing.
pub fn session(
    plugin: &Plugin,
    manifest: &Manifest,
    settings: &[Setting],
    credential: Credential,
    integration: &Integration,
) -> Result<Connector, Vec<Problem>> {
    connect(plugin, manifest, settings, credential, &integration.sandbox)
}

/// As [`session`], for a credential that no integration uses yet: only what lies in its vendor's cloud, and
/// what is granted here.
///
/// # Errors
/// All holes, grants and secrets that are missing.
pub fn connect(
    plugin: &Plugin,
    manifest: &Manifest,
    settings: &[Setting],
    credential: Credential,
    sandbox: &Sandbox,
) -> Result<Connector, Vec<Problem>> {
    let mut problems = Vec::new();
    let needs = needs(manifest, settings)?;
    let grants = grants(&needs, sandbox);
    for denial in grants.missing() {
        let what = denial.to_string();
        let help = Some(format!("{TO_ALLOW}{}", denial.advice()));
        let problem = Problem { place: "grants", what, help };
        // Login and Graph can be one origin.
        if !problems.contains(&problem) {
            problems.push(problem);
        }
    }
    let values = credential.secrets.into_iter().map(|(name, value)| (name, Secret::new(value.expose())));
    let secrets = SecretSet::new(needs.secrets, needs.tokens, values).map_err(|error| {
        problems.push(Problem {
            place: "credential",
            what: format!("credential `{}`: {error}", credential.name),
            help: Some(format!("userload credential edit {}", credential.name)),
        });
    });
    let egress = egress(sandbox).map_err(|problem| problems.push(problem));
    let (Ok(secrets), Ok(egress)) = (secrets, egress) else { return Err(problems) };
    if !problems.is_empty() {
        return Err(problems);
    }
    let limits = LogLimits::default();
    let limits = LogLimits { total_bytes: sandbox.log_bytes.unwrap_or(limits.total_bytes), ..limits };
    let log = Log::new(limits, secrets.clone());
    let (budget, meter) = (sandbox.traffic, Meter::new(sandbox.budget));
    let egress = Arc::new(egress);
    Ok(Connector::new(plugin, ConnectorCapabilities { grants, secrets, egress, budget, meter, log }))
}

/// What the plugin asks for with these settings, and the operator granted.
///
/// # Errors
/// When the manifest asks for what cannot be.
pub fn granted(manifest: &Manifest, settings: &[Setting], sandbox: &Sandbox) -> Result<Grants, Vec<Problem>> {
    Ok(grants(&needs(manifest, settings)?, sandbox))
}

fn needs(manifest: &Manifest, settings: &[Setting]) -> Result<Needs, Vec<Problem>> {
    Needs::of(manifest, settings)
        .map_err(|error| vec![Problem { place: "plugin", what: error.to_string(), help: None }])
}

fn grants(needs: &Needs, sandbox: &Sandbox) -> Grants {
    let lines = &sandbox.grants;
    // The credential's own hosts are granted by naming them, but only over TLS and to public addresses; and not
    // where the operator says more exactly what of them.
    let implied =
        needs.origins.iter().filter(|it| it.is_secure() && !lines.iter().any(|line| line.origins.covers(it)));
    let implied = implied.map(|origin| Grant::all_of(origin.clone(), false));
    Grants::new(needs.origins.iter().cloned(), implied.chain(lines.iter().cloned()))
}

/// The largest file of certificates: those of all public authorities have a quarter of a MiB.
const MOST_CERTIFICATES: u64 = 1 << 20;

fn egress(sandbox: &Sandbox) -> Result<Egress, Problem> {
    let wrong = |what: String, help: Option<String>| Problem { place: "network", what, help };
    let extra_ca = match &sandbox.ca_file {
        None => None,
        Some(path) => {
            let about = |why: String| {
                let help = "`network.ca-file` of the integration names a PEM file of certificates".to_owned();
                wrong(format!("cannot read `{}`: {why}", path.display()), Some(help))
            };
            let size = std::fs::metadata(path).map_err(|error| about(error.to_string()))?.len();
            if size > MOST_CERTIFICATES {
                return Err(about(format!("it has {size} bytes, more than {MOST_CERTIFICATES}")));
            }
            Some(std::fs::read(path).map_err(|error| about(error.to_string()))?)
        }
    };
    let options = EgressOptions { extra_ca, proxy: sandbox.proxy.clone(), ..EgressOptions::default() };
    Egress::new(options).map_err(|error| {
        let file = sandbox.ca_file.as_ref().map(|it| format!("`{}`: ", it.display())).unwrap_or_default();
        wrong(format!("{file}{error}"), None)
    })
}

/// The other launched integrations of the store, and what they fill.
pub(crate) fn others(
    store: &Store,
    integration: &Integration,
    fields: &[SourceField],
) -> Result<Vec<Feeder>, Problem> {
    let rows = store.integrations().map_err(|error| Problem {
        place: "store",
        what: error.to_string(),
        help: error.help(),
    })?;
    rows.iter()
        .filter(|row| row.launched_at.is_some() && row.name != integration.name)
        .map(|row| {
            // Of another plugin's, nothing but the targets is needed.
            let same = config::plugin_of(&row.document) == integration.plugin;
            let any = config::any_field();
            let fields = if same { fields } else { &any };
            let other =
                config::parse(&row.name, &row.document, fields, store.targets()).map_err(|report| {
                    Problem {
                        place: "document",
                        what: format!("another integration cannot be read: {report}"),
                        help: Some(format!(
                            "userload integration save -f FILE, or userload integration remove {}",
                            row.name
                        )),
                    }
                })?;
            let manager = other.manager.then(|| MANAGER.to_owned());
            Ok(Feeder {
                name: other.name,
                priority: other.priority,
                fields: other.mapping.iter().map(|rule| rule.target.name.clone()).chain(manager).collect(),
                status: other.deactivate,
            })
        })
        .collect()
}

/// The plugin reads the mapping once, so that a fault of it is found here and not in every row. Gives the
/// properties of the source that it reads.
///
/// # Errors
/// Every fault, with its line and column in the document.
pub fn examine(
    plugin: &Plugin,
    integration: &Integration,
    name_of_file: &str,
    document: &str,
    targets: &Targets,
) -> Result<Vec<String>, Examined> {
    let mut transformer = Transformer::new(plugin, Log::new(LogLimits::default(), SecretSet::none()));
    let mapping = config::mapping_text(integration);
    let faults =
        match transformer.examine_mapping(&mapping).map_err(|error| Examined::Plugin(broken(&error)))? {
            Ok(needs) => return Ok(needs.properties),
            Err(faults) => faults,
        };
    let faults: Vec<config::MappingFault> = faults
        .into_iter()
        .map(|it| config::MappingFault {
            target: it.target,
            part: it.part,
            step: it.step,
            offset: it.offset,
            problem: it.problem,
            help: it.help,
        })
        .collect();
    Err(Examined::Faults(config::locate(name_of_file, document, targets, &faults)))
}

/// Why a mapping cannot be used.
#[derive(Debug)]
pub enum Examined {
    /// It has faults.
    Faults(ConfigReport),
    /// The plugin could not be asked.
    Plugin(Problem),
}

/// The plugin reads the filter, so that one which the source would refuse is told with its place.
fn try_filter(
    plugin: &Plugin,
    integration: &Integration,
    settings: &[Setting],
    problems: &mut Vec<Problem>,
) -> Option<FilterCheck> {
    match FilterCheck::of(plugin, integration, settings) {
        Ok(check) => {
            problems.extend(check.as_ref().and_then(FilterCheck::problem));
            check
        }
        Err(error) => {
            problems.push(broken(&error));
            None
        }
    }
}

fn broken(error: &CallError) -> Problem {
    Problem {
        place: "plugin",
        what: error.to_string(),
        help: Some("`userload plugin inspect` shows what the plugin is".to_owned()),
    }
}
