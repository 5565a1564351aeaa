//! What the program shows: who may print, and how texts, numbers, tables and reports look.

mod difference;
pub(super) mod json_v1;
mod paint;
pub(super) mod printer;
mod progress;
mod report;
mod report_passes;
mod report_reading;
mod table;
mod terminal;
mod text;

pub(super) use difference::{field_changes, stored_differences};
pub(super) use paint::Paint;
pub(super) use printer::{Mode, Printer};
pub(super) use progress::Bars;
pub(super) use report::{View, render};
pub(super) use table::{Column, Table};
pub(super) use terminal::{can_choose, choose, masked, show_cursor};
pub(super) use text::{age, count, cut, number, shown, time, value};

#[cfg(test)]
mod report_tests;
