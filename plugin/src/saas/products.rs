//! What licences are called. Graph tells only the part number of a product; Microsoft publishes the names:
//! <https://learn.microsoft.com/entra/identity/users/licensing-service-plan-reference>.

/// Part number and product, in the order of the part numbers.
#[rustfmt::skip]
const PRODUCTS: [(&str, &str); 60] = [
    ("AAD_BASIC", "Microsoft Entra Basic"),
    ("AAD_PREMIUM", "Microsoft Entra ID P1"),
    ("AAD_PREMIUM_P2", "Microsoft Entra ID P2"),
    ("ATP_ENTERPRISE", "Microsoft Defender for Office 365 (Plan 1)"),
    ("CCIBOTS_PRIVPREV_VIRAL", "Power Virtual Agents Viral Trial"),
    ("CRMSTANDARD", "Microsoft Dynamics CRM Online"),
    ("DEFENDER_ENDPOINT_P1", "Microsoft Defender for Endpoint P1"),
    ("DESKLESSPACK", "Office 365 F3"),
    ("DEVELOPERPACK", "Office 365 E3 Developer"),
    ("DEVELOPERPACK_E5", "Microsoft 365 E5 Developer (without Windows and Audio Conferencing)"),
    ("DYN365_ENTERPRISE_PLAN1", "Dynamics 365 Customer Engagement Plan"),
    ("DYN365_ENTERPRISE_SALES", "Dynamics 365 for Sales Enterprise Edition"),
    ("EMS", "Enterprise Mobility + Security E3"),
    ("EMSPREMIUM", "Enterprise Mobility + Security E5"),
    ("ENTERPRISEPACK", "Office 365 E3"),
    ("ENTERPRISEPACKPLUS_FACULTY", "Office 365 A3 for faculty"),
    ("ENTERPRISEPACKPLUS_STUDENT", "Office 365 A3 for students"),
    ("ENTERPRISEPREMIUM", "Office 365 E5"),
    ("ENTERPRISEPREMIUM_FACULTY", "Office 365 A5 for faculty"),
    ("ENTERPRISEPREMIUM_NOPSTNCONF", "Office 365 E5 without Audio Conferencing"),
    ("ENTERPRISEPREMIUM_STUDENT", "Office 365 A5 for students"),
    ("ENTERPRISEWITHSCAL", "Office 365 E4"),
    ("EXCHANGEARCHIVE_ADDON", "Exchange Online Archiving for Exchange Online"),
    ("EXCHANGEDESKLESS", "Exchange Online Kiosk"),
    ("EXCHANGEENTERPRISE", "Exchange Online (Plan 2)"),
    ("EXCHANGESTANDARD", "Exchange Online (Plan 1)"),
    ("FLOW_FREE", "Microsoft Power Automate Free"),
    ("IDENTITY_THREAT_PROTECTION", "Microsoft 365 E5 Security"),
    ("INFORMATION_PROTECTION_COMPLIANCE", "Microsoft 365 E5 Compliance"),
    ("INTUNE_A", "Intune"),
    ("M365EDU_A3_FACULTY", "Microsoft 365 A3 for faculty"),
    ("M365EDU_A3_STUDENT", "Microsoft 365 A3 for students"),
    ("M365EDU_A5_FACULTY", "Microsoft 365 A5 for faculty"),
    ("M365EDU_A5_STUDENT", "Microsoft 365 A5 for students"),
    ("M365_F1", "Microsoft 365 F1"),
    ("MCOEV", "Microsoft Teams Phone Standard"),
    ("MCOMEETADV", "Microsoft 365 Audio Conferencing"),
    ("MEETING_ROOM", "Microsoft Teams Rooms Standard"),
    ("Microsoft_365_Copilot", "Microsoft 365 Copilot"),
    ("O365_BUSINESS", "Microsoft 365 Apps for business"),
    ("O365_BUSINESS_ESSENTIALS", "Microsoft 365 Business Basic"),
    ("O365_BUSINESS_PREMIUM", "Microsoft 365 Business Standard"),
    ("OFFICESUBSCRIPTION", "Microsoft 365 Apps for enterprise"),
    ("POWERAPPS_DEV", "Microsoft Power Apps for Developer"),
    ("POWERAPPS_VIRAL", "Microsoft Power Apps Plan 2 Trial"),
    ("POWER_BI_PRO", "Power BI Pro"),
    ("POWER_BI_STANDARD", "Microsoft Fabric (Free)"),
    ("PROJECTPREMIUM", "Project Online Premium"),
    ("PROJECTPROFESSIONAL", "Project Plan 3"),
    ("PROJECT_P1", "Project Plan 1"),
    ("SPB", "Microsoft 365 Business Premium"),
    ("SPE_E3", "Microsoft 365 E3"),
    ("SPE_E5", "Microsoft 365 E5"),
    ("SPE_F1", "Microsoft 365 F3"),
    ("STANDARDPACK", "Office 365 E1"),
    ("STANDARDWOFFPACK_FACULTY", "Office 365 A1 for faculty"),
    ("STANDARDWOFFPACK_STUDENT", "Office 365 A1 for students"),
    ("TEAMS_EXPLORATORY", "Microsoft Teams Exploratory"),
    ("THREAT_INTELLIGENCE", "Microsoft Defender for Office 365 (Plan 2)"),
    ("VISIOCLIENT", "Visio Plan 2"),
];

/// The product's name; the part number itself when it is not in the table.
pub(super) fn product(part_number: &str) -> &str {
    let found = PRODUCTS.iter().find(|(part, _)| part.eq_ignore_ascii_case(part_number));
    found.map_or(part_number, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_number_stands_once() {
        let parts: std::collections::HashSet<_> = PRODUCTS.iter().map(|(part, _)| part).collect();
        assert_eq!(parts.len(), PRODUCTS.len());
        assert_eq!(product("spe_e3"), "Microsoft 365 E3");
        assert_eq!(product("NEW_THING"), "NEW_THING");
    }
}
