//! Users from a CSV file: each call takes the next row, whose columns stand in braces in what the command line says.

use std::path::Path;

use crate::failure::Failure;

/// The rows of a file; without one, a single row without columns.
#[derive(Clone, Debug, Default)]
pub(crate) struct Users {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Users {
    /// Reads a file whose first row names the columns.
    ///
    /// # Errors
    ///
    /// [`Failure`] with the path, and the line where it is known.
    pub(crate) fn read(path: &Path) -> Result<Self, Failure> {
        let failed = |error: csv::Error| Failure::fatal(format!("{}: {error}", path.display()));
        let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_path(path).map_err(failed)?;
        let columns = reader.headers().map_err(failed)?.iter().map(str::to_owned).collect();
        let mut rows = Vec::new();
        for row in reader.records() {
            rows.push(row.map_err(failed)?.iter().map(str::to_owned).collect());
        }
        if rows.is_empty() {
            return Err(Failure::fatal(format!(
                "{} has no users below its first row, which names the columns",
                path.display()
            )));
        }
        Ok(Self { columns, rows })
    }

    /// `text` with the columns of the row that call `number` takes.
    pub(crate) fn fill(&self, text: &str, number: u64) -> String {
        let mut filled = text.replace("{number}", &number.to_string());
        for (column, value) in self.columns.iter().zip(self.row(number)) {
            filled = filled.replace(&format!("{{{column}}}"), &value);
        }
        filled
    }

    /// The columns of the row that call `number` takes.
    pub(crate) fn row(&self, number: u64) -> Vec<String> {
        let count = u64::try_from(self.rows.len()).unwrap_or(1).max(1);
        usize::try_from(number % count).ok().and_then(|row| self.rows.get(row)).cloned().unwrap_or_default()
    }

    /// Refuses a placeholder that no column fills.
    ///
    /// # Errors
    ///
    /// [`Failure`] with its name.
    pub(crate) fn check(&self, text: &str) -> Result<(), Failure> {
        let filled = self.fill(text, 0);
        let Some((_, rest)) = filled.split_once('{') else { return Ok(()) };
        let name = rest.split('}').next().unwrap_or_default();
        let known = if self.columns.is_empty() { "give --users".to_owned() } else { self.columns.join(", ") };
        Err(Failure::fatal(format!("{text}: there is no column {name} (there are number and: {known})")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn users(text: &str) -> Result<Users, Failure> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("users.csv");
        std::fs::write(&file, text).unwrap();
        Users::read(&file)
    }

    #[test]
    fn calls_take_the_rows_in_turn_and_begin_again() {
        let users = users("name, password\nalice,x\nbob,\"y,z\"\n").unwrap();
        assert_eq!(users.fill("sip:{name}@h", 0), "sip:alice@h");
        assert_eq!(users.fill("{password}", 1), "y,z");
        assert_eq!(users.fill("{name}-{number}", 2), "alice-2");
    }

    #[test]
    fn a_column_that_is_not_there_is_named_before_the_run() {
        let users = users("name\nalice\n").unwrap();
        assert!(users.check("sip:{name}@{number}").is_ok());
        assert!(users.check("{domain}").unwrap_err().to_string().contains("no column domain"));
        assert!(Users::default().check("{name}").unwrap_err().to_string().contains("--users"));
    }

    #[test]
    fn a_file_without_users_or_with_a_short_row_is_refused() {
        assert!(users("name\n").unwrap_err().to_string().contains("no users"));
        assert!(users("a,b\n1\n").unwrap_err().to_string().contains("users.csv"));
    }
}
