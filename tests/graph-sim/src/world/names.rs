//! The words that people are made of. All made up; addresses end in `contoso.example`.

/// Given name, surname and the ASCII form of both for addresses. Apostrophes, accents, emoji and
/// scripts from right to left are there on purpose.
pub(crate) const SPECIAL: [(&str, &str, &str); 14] = [
    ("Siobhán", "O'Brien", "siobhan.obrien"),
    ("Conor", "O'Neill", "conor.oneill"),
    ("Zoë", "Brontë-Müller", "zoe.bronte-mueller"),
    ("Łukasz", "Żółć", "lukasz.zolc"),
    ("İpek", "Iğdır", "ipek.igdir"),
    ("محمد", "الأحمد", "mohammed.alahmad"),
    ("فاطمة", "حسن", "fatima.hassan"),
    ("נועה", "כהן", "noa.cohen"),
    ("伟", "张", "wei.zhang"),
    ("秀英", "王", "xiuying.wang"),
    ("さくら", "田中", "sakura.tanaka"),
    ("Nguyễn Thị", "Hằng", "hang.nguyen"),
    ("Foxy 🦊", "d'Artagnan", "foxy.dartagnan"),
    ("Jose\u{301}", "Nu\u{303}ez", "jose.nunez"),
];

pub(crate) const GIVEN: [&str; 40] = [
    "Adele",
    "Alex",
    "Amber",
    "Ben",
    "Bianca",
    "Carla",
    "Chris",
    "Dana",
    "Diego",
    "Elena",
    "Emily",
    "Enrico",
    "Fiona",
    "Frank",
    "Grady",
    "Greta",
    "Henrietta",
    "Hugo",
    "Irvin",
    "Isaiah",
    "Joni",
    "Johanna",
    "Karim",
    "Lee",
    "Lidia",
    "Lynne",
    "Megan",
    "Miriam",
    "Nestor",
    "Nina",
    "Omar",
    "Patti",
    "Pradeep",
    "Raul",
    "Rosa",
    "Samir",
    "Tobias",
    "Ursula",
    "Vera",
    "Yusuf",
];

pub(crate) const SURNAMES: [&str; 40] = [
    "Vance",
    "Wilber",
    "Rodriguez",
    "Walters",
    "Pisoni",
    "Holloway",
    "Green",
    "Kowalski",
    "Siciliani",
    "Volkova",
    "Braun",
    "Cattaneo",
    "MacLeod",
    "Fernandez",
    "Archie",
    "Lindqvist",
    "Mueller",
    "Sato",
    "Sayers",
    "Langer",
    "Sherman",
    "Lorenz",
    "Haddad",
    "Gu",
    "Holm",
    "Robbins",
    "Bowen",
    "Graham",
    "Wilke",
    "Petrova",
    "Farouk",
    "Fitzgerald",
    "Gupta",
    "Ortega",
    "Marchetti",
    "Nair",
    "Schneider",
    "Keller",
    "van der Berg",
    "Demir",
];

/// Department and the job titles in it.
pub(crate) const DEPARTMENTS: [(&str, [&str; 3]); 10] = [
    ("Sales", ["Account Executive", "Sales Development Representative", "Regional Sales Director"]),
    ("Sales & Marketing", ["Marketing Manager", "Content Strategist", "Brand Designer"]),
    ("Research + Development", ["Software Engineer II", "Principal Engineer", "Test Lead"]),
    ("Information Technology", ["Systems Administrator", "Service Desk Analyst", "IT Director"]),
    ("Finance", ["Accountant", "Financial Analyst", "Controller"]),
    ("Human Resources", ["HR Business Partner", "Recruiter", "Payroll Specialist"]),
    ("Operations", ["Operations Manager", "Logistics Coordinator", "Shift Supervisor"]),
    ("Legal", ["Counsel", "Paralegal", "Compliance Officer"]),
    ("Customer Success", ["Support Engineer", "Customer Success Manager", "Trainer"]),
    ("Facilities", ["Facilities Technician", "Receptionist", "Workplace Manager"]),
];

/// A place of work.
pub(crate) struct Site {
    pub(crate) office: &'static str,
    pub(crate) street: &'static str,
    pub(crate) city: &'static str,
    pub(crate) state: &'static str,
    pub(crate) postal: &'static str,
    pub(crate) country: &'static str,
    pub(crate) language: &'static str,
    pub(crate) dial: &'static str,
}

const fn site(words: [&'static str; 8]) -> Site {
    let [office, street, city, state, postal, country, language, dial] = words;
    Site { office, street, city, state, postal, country, language, dial }
}

/// The places of work. Postal codes have leading zeros and letters, as they do.
pub(crate) const SITES: [Site; 8] = [
    site(["18/2111", "1 Example Way", "Redmond", "WA", "98052", "US", "en-US", "+1 425 555 01"]),
    site(["BOS-03", "20 Sample Street", "Boston", "MA", "02110", "US", "en-US", "+1 617 555 01"]),
    site([
        "London 4.12",
        "5 Model Lane",
        "London",
        "Greater London",
        "EC1A 1BB",
        "GB",
        "en-GB",
        "+44 20 7946 00",
    ]),
    site([
        "Köln / 2. OG",
        "Musterstraße 12",
        "Köln",
        "Nordrhein-Westfalen",
        "50667",
        "DE",
        "de-DE",
        "+49 221 5550 00",
    ]),
    site(["Dresden-Süd", "Beispielweg 7", "Dresden", "Sachsen", "01067", "DE", "de-DE", "+49 351 5550 00"]),
    site(["東京 12F", "見本町1-2-3", "東京", "東京都", "100-0001", "JP", "ja-JP", "+81 3 5550 00"]),
    site(["Tel Aviv 3", "רחוב הדוגמה 5", "תל אביב", "", "6100001", "IL", "he-IL", "+972 3 555 00"]),
    site([
        "São Paulo",
        "Rua do Exemplo, 100",
        "São Paulo",
        "SP",
        "01310-100",
        "BR",
        "pt-BR",
        "+55 11 5550 00",
    ]),
];

/// What the company calls itself in different parts.
pub(crate) const COMPANIES: [&str; 3] = ["Contoso Ltd.", "Contoso Europe GmbH", "Contoso \"R&D\" Inc."];

/// `employeeType` is free text in Entra ID, and it shows.
pub(crate) const EMPLOYEE_TYPES: [&str; 5] = ["Employee", "Staff", "Contractor", "Admin", "Intern"];

/// Meeting rooms and shared mailboxes.
pub(crate) const ROOMS: [&str; 4] = ["Conf Room Adams", "Conf Room Baker", "Info Desk", "Shared Invoices"];

/// Employee ids that a careless reader takes for numbers, truth values or nothing.
pub(crate) const TRAP_IDS: [&str; 7] =
    ["007", "1e5", "0x1F", "1_000", "None", "312-800-9919", "12345678901234567890"];

/// Surnames that a careless reader takes for values.
pub(crate) const TRAP_SURNAMES: [&str; 2] = ["True", "Null"];

/// Licences: id, name, how many.
pub(crate) const SKUS: [(&str, &str, u32); 3] = [
    ("06ebc4ee-1bb5-47dd-8120-11324bc54e06", "SPE_E5", 500),
    ("05e9a617-0261-4cee-bb44-138d3ef5d965", "SPE_E3", 5000),
    ("66b55226-6b4f-492c-910c-a3b7a3c9d993", "SPE_F1", 2000),
];
