//! Tables without frames, whose columns line up.

use comfy_table::{Cell, CellAlignment, presets};

use super::Paint;

/// A column: its title, and which way it leans.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Column {
    /// Texts.
    Text(&'static str),
    /// Numbers.
    Number(&'static str),
}

/// A table, while it grows. Cells must be safe to show.
pub(crate) struct Table {
    inner: comfy_table::Table,
    titled: bool,
}

impl Table {
    /// A table with these columns. Without any title there is no header.
    pub(crate) fn new(columns: &[Column]) -> Self {
        let mut inner = comfy_table::Table::new();
        inner.load_style(presets::NOTHING);
        let titles: Vec<&str> = columns
            .iter()
            .map(|column| match column {
                Column::Text(it) | Column::Number(it) => *it,
            })
            .collect();
        let titled = titles.iter().any(|it| !it.is_empty());
        // The header decides how many columns there are; an empty one is cut off again.
        inner.set_header(titles);
        for (at, column) in columns.iter().enumerate() {
            if let Some(made) = inner.column_mut(at) {
                made.set_padding((0, 2));
                if matches!(column, Column::Number(_)) {
                    made.set_cell_alignment(CellAlignment::Right);
                }
            }
        }
        Self { inner, titled }
    }

    /// Adds a row.
    pub(crate) fn row<T: ToString>(&mut self, cells: impl IntoIterator<Item = T>) -> &mut Self {
        self.inner.add_row(cells.into_iter().map(|it| Cell::new(it)).collect::<Vec<Cell>>());
        self
    }

    /// Whether there is no row.
    pub(crate) fn is_empty(&self) -> bool {
        self.inner.is_empty()
    }

    /// The lines, indented by so many spaces, each with its end.
    pub(crate) fn render(&self, indent: usize, paint: Paint) -> String {
        let mut text = String::new();
        for (at, line) in self.inner.lines().enumerate() {
            let line = line.trim_end();
            match (at, self.titled) {
                (0, true) => text.push_str(&format!("{:indent$}{}\n", "", paint.bold(line))),
                (0, false) => {}
                _ => text.push_str(&format!("{:indent$}{line}\n", "")),
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_whatever_is_in_them() {
        let mut table = Table::new(&[Column::Text("Name"), Column::Number("People"), Column::Text("City")]);
        table.row(["Ana", "9,554", "Bonn"]);
        table.row(["\u{1f469}\u{200d}\u{1f52c} Bo", "12", "\u{65e5}\u{672c}"]);
        table.row(["\u{645}\u{631}\u{64a}\u{645}", "3", ""]);
        insta::assert_snapshot!(table.render(2, Paint(false)), @r"
        Name   People  City
        Ana     9,554  Bonn
        👩‍🔬 Bo      12  日本
        مريم        3
        ");
        let mut plain = Table::new(&[Column::Text(""), Column::Text("")]);
        plain.row(["a", "b"]);
        assert_eq!(plain.render(0, Paint(false)), "a  b\n");
    }
}
