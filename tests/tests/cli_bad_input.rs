//! Bad input, each with a message that names the place and what was expected; nothing is changed by it.

mod bad_input {
    mod disk;
    mod document;
    mod files;
    mod keys;
    mod order;
    mod source;
    mod states;
}
