//! Schedules of cron jobs, refused in the words of the Go library that the server uses.

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

struct Bounds {
    least: u32,
    most: u32,
    names: &'static [&'static str],
}

/// What is wrong with a schedule.
pub(super) fn fault(schedule: &str) -> Option<String> {
    let rest = match schedule.split_once(' ') {
        Some((zone, rest)) if zone.starts_with("TZ=") || zone.starts_with("CRON_TZ=") => rest.trim(),
        _ => schedule,
    };
    if let Some(word) = rest.strip_prefix('@') {
        return descriptor(rest, word);
    }
    let fields: Vec<&str> = rest.split_whitespace().collect();
    if fields.len() != 5 {
        return Some(
            format!("expected exactly 5 fields, found {}: {:?}", fields.len(), go_list(&fields))
                .replace("\\\"", "\"")
                .replace("\"[", "[")
                .replace("]\"", "]"),
        );
    }
    let bounds = [
        Bounds { least: 0, most: 59, names: &[] },
        Bounds { least: 0, most: 23, names: &[] },
        Bounds { least: 1, most: 31, names: &[] },
        Bounds { least: 1, most: 12, names: &MONTHS },
        Bounds { least: 0, most: 6, names: &DAYS },
    ];
    fields.iter().zip(&bounds).find_map(|(field, bounds)| {
        field.split(',').filter(|part| !part.is_empty()).find_map(|part| range(part, bounds).err())
    })
}

fn go_list(fields: &[&str]) -> String {
    format!("[{}]", fields.join(" "))
}

fn descriptor(whole: &str, word: &str) -> Option<String> {
    if ["yearly", "annually", "monthly", "weekly", "daily", "midnight", "hourly"].contains(&word) {
        return None;
    }
    match word.strip_prefix("every ") {
        Some(every)
            if every.ends_with(['s', 'm', 'h'])
                && every[..every.len() - 1].chars().all(|c| c.is_ascii_digit() || "hm.".contains(c)) =>
        {
            None
        }
        Some(every) => Some(format!("failed to parse duration {whole}: time: invalid duration {every:?}")),
        None => Some(format!("unrecognized descriptor: {whole}")),
    }
}

fn range(text: &str, bounds: &Bounds) -> Result<(), String> {
    let (body, step) = match text.split('/').collect::<Vec<_>>().as_slice() {
        [body] => (*body, None),
        [body, step] => (*body, Some(*step)),
        _ => return Err(format!("too many slashes: {text}")),
    };
    let (start, end) = if matches!(body, "*" | "?") {
        (bounds.least, bounds.most)
    } else {
        match body.split('-').collect::<Vec<_>>().as_slice() {
            [one] => {
                let one = number(one, bounds)?;
                (one, if step.is_some() { bounds.most } else { one })
            }
            [from, to] => (number(from, bounds)?, number(to, bounds)?),
            _ => return Err(format!("too many hyphens: {text}")),
        }
    };
    let step = step.map_or(Ok(1), plain)?;
    if start < bounds.least {
        return Err(format!("beginning of range ({start}) below minimum ({}): {text}", bounds.least));
    }
    if end > bounds.most {
        return Err(format!("end of range ({end}) above maximum ({}): {text}", bounds.most));
    }
    if start > end {
        return Err(format!("beginning of range ({start}) beyond end of range ({end}): {text}"));
    }
    if step == 0 {
        return Err(format!("step of range should be a positive number: {text}"));
    }
    Ok(())
}

fn number(text: &str, bounds: &Bounds) -> Result<u32, String> {
    let lower = text.to_lowercase();
    match bounds.names.iter().position(|name| *name == lower) {
        Some(at) => Ok(u32::try_from(at).unwrap_or_default() + bounds.least),
        None => plain(text),
    }
}

fn plain(text: &str) -> Result<u32, String> {
    match text.parse::<i64>() {
        Ok(number) if number < 0 => Err(format!("negative number ({number}) not allowed: {text}")),
        Ok(number) => u32::try_from(number).map_err(|_| format!("failed to parse int from {text}: value out of range")),
        Err(_) => Err(format!("failed to parse int from {text}: strconv.Atoi: parsing {text:?}: invalid syntax")),
    }
}
