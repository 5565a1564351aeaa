//! Which machine this is: a local integration runs only on the one that saved it.

use sha2::{Digest as _, Sha256};

/// The variable that names the machine, for containers, which have no lasting name of their own.
const VARIABLE: &str = "USERLOAD_MACHINE";

/// This machine: its name, and behind it a mark of its installation where there is one. What the system says
/// of its id is hashed, as machine-id(5) asks.
#[must_use]
pub fn this_machine() -> String {
    if let Ok(named) = std::env::var(VARIABLE)
        && let Some(name) = tidy(&named)
    {
        return name;
    }
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"].iter().find_map(|it| read(it));
    let name =
        name.or_else(|| ["HOSTNAME", "COMPUTERNAME"].iter().find_map(|it| tidy(&std::env::var(it).ok()?)));
    let name = name.unwrap_or_else(|| "this-machine".to_owned());
    match read("/etc/machine-id") {
        Some(id) => {
            let mark = Sha256::digest(format!("userload machine {id}"));
            let mark: String = mark.iter().take(4).map(|byte| format!("{byte:02x}")).collect();
            format!("{name} ({mark})")
        }
        None => name,
    }
}

fn read(path: &str) -> Option<String> {
    tidy(&std::fs::read_to_string(path).ok()?)
}

fn tidy(text: &str) -> Option<String> {
    let text: String = text.trim().chars().filter(|it| !it.is_control()).take(80).collect();
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::this_machine;

    #[test]
    fn a_machine_is_the_same_twice() {
        assert_eq!(this_machine(), this_machine());
        assert!(!this_machine().is_empty());
    }
}
