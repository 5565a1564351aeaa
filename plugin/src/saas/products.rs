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

/// Ids of the licences that most tenants have, and their part numbers: their names need no permission.
#[rustfmt::skip]
const IDS: [(&str, &str); 22] = [
    ("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3"),
    ("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5"),
    ("078d2b04-f1bd-4111-bbd4-b4b1b354cef4", "AAD_PREMIUM"),
    ("18181a46-0d4e-45cd-891e-60aabd171b4e", "STANDARDPACK"),
    ("19ec0d23-8335-4cbd-94ac-6050e30712fa", "EXCHANGEENTERPRISE"),
    ("3b555118-da6a-4418-894f-7df1e2096870", "O365_BUSINESS_ESSENTIALS"),
    ("4b585984-651b-448a-9e53-3b10f069cf7f", "DESKLESSPACK"),
    ("4b590615-0888-425a-a965-b3bf7789848d", "M365EDU_A3_FACULTY"),
    ("4b9405b0-7788-4568-add1-99614e613b69", "EXCHANGESTANDARD"),
    ("639dec6b-bb19-468b-871c-c5c441c4b0cb", "Microsoft_365_Copilot"),
    ("66b55226-6b4f-492c-910c-a3b7a3c9d993", "SPE_F1"),
    ("6fd2c87f-b296-42f0-b197-1e91e994b900", "ENTERPRISEPACK"),
    ("84a661c4-e949-4bd2-a560-ed7766fcaf2b", "AAD_PREMIUM_P2"),
    ("a403ebcc-fae0-4ca2-8c8c-7a907fd6c235", "POWER_BI_STANDARD"),
    ("b05e124f-c7cc-45a0-a6aa-8cf78c946968", "EMSPREMIUM"),
    ("c7df2760-2c81-4ef7-b578-5b5392b571df", "ENTERPRISEPREMIUM"),
    ("cbdc14ab-d96c-4c30-b9f4-6ada7cdc1d46", "SPB"),
    ("cdd28e44-67e3-425e-be4c-737fab2899d3", "O365_BUSINESS"),
    ("efccb6f7-5641-4e0e-bd10-b4976e1bf68e", "EMS"),
    ("f245ecc8-75af-4f8e-b61f-27d8114de5f3", "O365_BUSINESS_PREMIUM"),
    ("f30db892-07e9-47e9-837c-80727f46fd3d", "FLOW_FREE"),
    ("f8a1db68-be16-40ed-86d5-cb42ce701560", "POWER_BI_PRO"),
];

/// The product of a licence id, when it is one of the common ones.
pub(super) fn product_of_id(id: &str) -> Option<&'static str> {
    let (_, part) = IDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(id))?;
    PRODUCTS.iter().find(|(known, _)| known == part).map(|(_, name)| *name)
}

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

    #[test]
    fn each_id_has_a_product() {
        assert!(IDS.iter().all(|(id, _)| product_of_id(id).is_some()));
        let ids: std::collections::HashSet<_> = IDS.iter().map(|(id, _)| id).collect();
        assert_eq!(ids.len(), IDS.len());
        assert_eq!(product_of_id("05E9A617-0261-4CEE-BB44-138D3EF5D965"), Some("Microsoft 365 E3"));
        assert_eq!(product_of_id("00000000-0000-0000-0000-000000000000"), None);
    }
}
