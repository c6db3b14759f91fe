//! A small bar chart in text.

/// The widest bar, in characters.
const WIDEST: usize = 40;
/// More rows than this are a table.
const MOST_ROWS: usize = 20;

/// Bars of the last column that has only numbers, with the texts of the column before it; none for other shapes.
pub fn bars(columns: &[String], rows: &[Vec<String>]) -> Option<Vec<String>> {
    if columns.len() < 2 || !(2..=MOST_ROWS).contains(&rows.len()) {
        return None;
    }
    let number = |row: &[String], at: usize| row.get(at)?.parse::<f64>().ok();
    let is_measure = |at: usize| {
        rows.iter()
            .all(|row| number(row, at).is_some_and(f64::is_finite))
    };
    let is_label = |at: usize| !is_measure(at);
    let label = (0..columns.len()).rfind(|at| is_label(*at))?;
    let measure = (label + 1..columns.len()).find(|at| is_measure(*at))?;
    let values: Vec<f64> = rows.iter().filter_map(|row| number(row, measure)).collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    if most <= 0.0 || values.iter().any(|value| *value < 0.0) {
        return None;
    }
    let name = |row: &Vec<String>| {
        let mut name = row[label].clone();
        if name.is_empty() {
            "(none)".clone_into(&mut name);
        }
        name
    };
    let width = rows
        .iter()
        .map(|row| name(row).chars().count())
        .max()?
        .min(WIDEST);
    let lines = rows.iter().zip(&values).map(|(row, value)| {
        let name: String = name(row).chars().take(width).collect();
        let padding = " ".repeat(width - name.chars().count());
        format!("{name}{padding}  {}", bar(value / most))
    });
    Some(lines.collect())
}

/// A bar of a part of the widest; eighths of a character count.
fn bar(part: f64) -> String {
    const EIGHTHS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "from 0 to a few hundred"
    )]
    let eighths = (part.clamp(0.0, 1.0) * (WIDEST * 8) as f64).round() as usize;
    format!("{}{}", "█".repeat(eighths / 8), EIGHTHS[eighths % 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(columns: &[&str], rows: &[&[&str]]) -> Option<Vec<String>> {
        let texts = |texts: &[&str]| texts.iter().map(|text| (*text).to_owned()).collect();
        let rows: Vec<Vec<String>> = rows.iter().map(|row| texts(row)).collect();
        bars(&texts(columns), &rows)
    }

    #[test]
    fn bars_are_as_long_as_the_values_are_great() {
        let lines = drawn(
            &["id", "city", "sum"],
            &[&["1", "Rome", "8"], &["2", "", "4.0"]],
        );
        let lines = lines.expect("a chart");
        assert_eq!(lines[0], format!("Rome    {}", "█".repeat(40)));
        assert_eq!(lines[1], format!("(none)  {}", "█".repeat(20)));
        assert_eq!(bar(0.01), "▍");
    }

    #[test]
    fn what_is_no_chart_has_no_bars() {
        assert_eq!(drawn(&["sum"], &[&["1"], &["2"]]), None);
        assert_eq!(drawn(&["city", "sum"], &[&["Rome", "1"]]), None);
        assert_eq!(
            drawn(&["city", "sum"], &[&["Rome", "1"], &["Oslo", "-1"]]),
            None
        );
        assert_eq!(
            drawn(&["city", "name"], &[&["Rome", "a"], &["Oslo", "b"]]),
            None
        );
    }
}
