//! Questions that cannot be answered say so, exit 2, and leave no trace.

use userload_tests::program::Home;
use userload_tests::upn;

use super::town::Town;

#[test]
fn questions_without_an_answer() {
    let mut town = Town::new("");
    town.change(|world| {
        world.update_text(&town.ids[0], "displayName", "Same Name").unwrap();
        world.update_text(&town.ids[1], "displayName", "SAME name").unwrap();
    });
    town.night(0);
    for (arguments, sentence) in [
        (vec!["nobody"], "there is nobody `nobody`\nhelp: "),
        (vec![""], "there is nobody ``\nhelp: "),
        (vec!["p3@contoso"], "p3@contoso"),
        (vec!["same NAME"], "`same NAME` is more than one person:\n"),
        (vec!["p1"], "`p1` is more than one person:\n"),
        (vec!["p0@contoso.example", "--run", "9"], "there is no run 9\nhelp: `userload runs list`"),
        (vec!["p0@contoso.example", "--run", "nine"], "invalid value 'nine' for '--run <RUN>'"),
        (vec!["no@contoso.example", "--ask"], "the source can only be asked by id"),
        (vec![], "the following required arguments were not provided"),
        (vec!["\u{1b}[2J"], "there is nobody `\\u{1b}[2J`"),
    ] {
        let answer = town.asks(&arguments);
        if arguments == ["p3@contoso"] {
            // The beginning of one name is enough.
            answer.ended(0).answers(&[sentence]);
            continue;
        }
        let answer = answer.ended(2);
        assert!(answer.out.is_empty() && answer.err.contains(sentence), "{arguments:?}: {}", answer.err);
    }
    let several = town.asks(&["same NAME"]).err;
    assert!(several.contains(&upn(0)) && several.contains(&upn(1)), "{several}");
    // A run of somebody else's.
    let told = town.asks(&["p0@contoso.example", "--run", "1", "--tenant", "defualt"]).ended(2).err;
    assert!(told.contains("did you mean `--tenant default`?"), "{told}");
}

#[test]
fn an_empty_home() {
    let home = Home::new();
    let told = home.refused(2, "why ana@contoso.example");
    assert!(told.starts_with("error: there is nothing in `TMP/home` yet\nhelp: "), "{told}");
    assert!(!home.home().exists());
}
