//! The layers as `docs/architecture.md` lists them.

/// Rows from the top down: module paths of a layer, and those that it must not know although they lie below.
pub(crate) struct Layers(Vec<Row>);

struct Row {
    modules: Vec<Vec<String>>,
    never: Vec<Vec<String>>,
    /// Whether its modules may use each other.
    together: bool,
}

impl Layers {
    /// Reads the first table of the page.
    pub(crate) fn read(page: &str) -> Self {
        let rows = page.lines().skip_while(|l| !l.starts_with("| layer")).skip(2).take_while(|l| l.starts_with('|'));
        let rows: Vec<Row> = rows
            .map(|row| {
                let cells: Vec<&str> = row.trim_matches('|').split('|').collect();
                let modules = names(cells[0]);
                Row { together: modules.iter().any(|m| m == &["error"]), modules, never: names(cells[2]) }
            })
            .collect();
        assert!(rows.len() > 1, "no table of layers");
        Self(rows)
    }

    /// The row of a module, counted from the top: the one that names most of its path.
    pub(crate) fn of(&self, path: &[String]) -> Option<usize> {
        let named = |row: &Row| row.modules.iter().filter(|m| path.starts_with(m)).map(Vec::len).max();
        let rows = self.0.iter().enumerate();
        rows.filter_map(|(i, row)| Some((named(row)?, i))).max().map(|(_, i)| i)
    }

    /// Why a file of `from` may not use one of `to`.
    pub(crate) fn refuse(&self, from: &[String], to: &[String]) -> Option<String> {
        let (Some(above), Some(below)) = (self.of(from), self.of(to)) else {
            return (from.first() != to.first() && !from.is_empty()).then(|| "one has no layer".to_owned());
        };
        if self.0[above].never.iter().any(|never| to.starts_with(never)) {
            return Some("its row says that it must not know it".into());
        }
        if above > below {
            return Some("it lies above".into());
        }
        let aside = above == below && from.first() != to.first() && !self.0[above].together;
        aside.then(|| "it lies beside it".into())
    }
}

/// The module paths in backquotes: `script/api/`, `script::api`.
fn names(cell: &str) -> Vec<Vec<String>> {
    let quoted = cell.split('`').skip(1).step_by(2);
    quoted.map(|name| name.replace("::", "/").trim_matches('/').split('/').map(str::to_owned).collect()).collect()
}
