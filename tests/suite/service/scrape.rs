//! The text format of Prometheus 0.0.4, read strictly:
//! <https://prometheus.io/docs/instrumenting/exposition_formats/>.

use std::collections::BTreeMap;

use crate::support::{House, Served};

/// What `/metrics` said.
#[derive(Debug)]
pub struct Scrape {
    samples: BTreeMap<Sample, String>,
    /// Each family's type.
    families: BTreeMap<String, String>,
}

/// A name with its labels.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Sample {
    name: String,
    labels: BTreeMap<String, String>,
}

impl Scrape {
    #[track_caller]
    pub fn of(served: &Served) -> Self {
        let reply = served.send(served.request("GET", "/metrics"));
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.headers["content-type"], "text/plain; version=0.0.4");
        Self::read(&reply.text).unwrap_or_else(|problem| panic!("{problem}: {}", reply.text))
    }

    /// By a service that was started for it: nothing of it was kept.
    #[track_caller]
    pub fn of_house(house: &House) -> Self {
        Self::of(&Served::start(house))
    }

    pub fn read(text: &str) -> Result<Self, String> {
        let mut scrape = Self {
            samples: BTreeMap::new(),
            families: BTreeMap::new(),
        };
        let mut helped: Option<String> = None;
        let mut family: Option<(String, String)> = None;
        if !text.ends_with('\n') {
            return Err("the last line has no end".to_owned());
        }
        for line in text.lines() {
            let refuse = |what: &str| Err(format!("{what}: {line:?}"));
            if let Some(help) = line.strip_prefix("# HELP ") {
                let Some((name, help)) = help.split_once(' ') else {
                    return refuse("no help");
                };
                if !is_name(name) || help.is_empty() {
                    return refuse("no help");
                }
                helped = Some(name.to_owned());
            } else if let Some(said) = line.strip_prefix("# TYPE ") {
                let Some((name, kind)) = said.split_once(' ') else {
                    return refuse("no type");
                };
                if helped.take().as_deref() != Some(name) {
                    return refuse("a type without its help");
                }
                if !["counter", "gauge", "histogram"].contains(&kind) {
                    return refuse("another type");
                }
                let known = scrape.families.insert(name.to_owned(), kind.to_owned());
                if known.is_some() {
                    return refuse("a family twice");
                }
                family = Some((name.to_owned(), kind.to_owned()));
            } else {
                let Some((name, kind)) = &family else {
                    return refuse("a sample without a family");
                };
                let (sample, value) = sample(line)?;
                let is_of_it = match kind.as_str() {
                    "histogram" => ["_bucket", "_sum", "_count"]
                        .iter()
                        .any(|suffix| sample.name == format!("{name}{suffix}")),
                    _ => sample.name == *name,
                };
                if !is_of_it {
                    return refuse("a sample of another family");
                }
                if value.parse::<f64>().is_err() {
                    return refuse("no value");
                }
                if scrape.samples.insert(sample, value.to_owned()).is_some() {
                    return refuse("a sample twice");
                }
            }
        }
        scrape.check_histograms()?;
        Ok(scrape)
    }

    /// Buckets never go down, and the last is what was counted.
    fn check_histograms(&self) -> Result<(), String> {
        let mut buckets = BTreeMap::<Sample, Vec<(f64, f64)>>::new();
        for (sample, value) in &self.samples {
            if let Some(name) = sample.name.strip_suffix("_bucket") {
                let mut of = sample.clone();
                of.name = format!("{name}_count");
                let le = of.labels.remove("le").ok_or("a bucket without its bound")?;
                let le: f64 = le.parse().map_err(|_| format!("no bound: {le}"))?;
                let value: f64 = value.parse().map_err(|_| format!("no value: {value}"))?;
                buckets.entry(of).or_default().push((le, value));
            }
        }
        for (of, mut buckets) in buckets {
            buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
            let count = self
                .samples
                .get(&of)
                .ok_or(format!("{of:?} is not there"))?;
            let (le, all) = *buckets.last().ok_or("no bucket")?;
            if !buckets.is_sorted_by(|a, b| a.1 <= b.1)
                || le.is_finite()
                || all.to_string() != *count
            {
                return Err(format!("{of:?}: {buckets:?} for {count}"));
            }
        }
        Ok(())
    }

    pub fn kind(&self, family: &str) -> Option<&str> {
        self.families.get(family).map(String::as_str)
    }

    pub fn families(&self) -> Vec<&str> {
        self.families.keys().map(String::as_str).collect()
    }

    /// A sample, by its name and labels.
    pub fn find(&self, name: &str, labels: &[(&str, &str)]) -> Option<&str> {
        let labels = labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let sample = Sample {
            name: name.to_owned(),
            labels: labels.collect(),
        };
        self.samples.get(&sample).map(String::as_str)
    }

    #[track_caller]
    pub fn number(&self, name: &str, labels: &[(&str, &str)]) -> i64 {
        let value = self.find(name, labels);
        let value = value.unwrap_or_else(|| panic!("no {name} {labels:?} in {self:#?}"));
        value.parse().unwrap()
    }

    /// Every sample of a name that is not zero: its labels' values, and its own.
    pub fn not_zero(&self, name: &str) -> Vec<(Vec<&str>, &str)> {
        let of_it = self
            .samples
            .iter()
            .filter(|(sample, value)| sample.name == name && *value != "0");
        of_it
            .map(|(sample, value)| {
                let labels = sample.labels.values().map(String::as_str);
                (labels.collect(), value.as_str())
            })
            .collect()
    }
}

fn is_name(name: &str) -> bool {
    !name.starts_with(|first: char| first.is_ascii_digit())
        && !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':')
}

fn sample(line: &str) -> Result<(Sample, &str), String> {
    let refuse = || format!("no sample: {line:?}");
    let (name, labels, value) = match line.split_once('{') {
        None => {
            let (name, value) = line.split_once(' ').ok_or_else(refuse)?;
            (name, "", value)
        }
        Some((name, rest)) => {
            let (labels, value) = rest.rsplit_once("} ").ok_or_else(refuse)?;
            (name, labels, value)
        }
    };
    if !is_name(name) {
        return Err(refuse());
    }
    let mut found = BTreeMap::new();
    let mut rest = labels;
    while !rest.is_empty() {
        let (label, quoted) = rest.split_once("=\"").ok_or_else(refuse)?;
        let mut value = String::new();
        let mut letters = quoted.char_indices();
        let end = loop {
            match letters.next().ok_or_else(refuse)? {
                (at, '"') => break at,
                (_, '\\') => match letters.next().ok_or_else(refuse)?.1 {
                    'n' => value.push('\n'),
                    letter @ ('\\' | '"') => value.push(letter),
                    _ => return Err(refuse()),
                },
                (_, letter) => value.push(letter),
            }
        };
        rest = &quoted[end + 1..];
        rest = match rest.strip_prefix(',') {
            Some(more) => more,
            None if rest.is_empty() => rest,
            None => return Err(refuse()),
        };
        if !is_name(label) || found.insert(label.to_owned(), value).is_some() {
            return Err(refuse());
        }
    }
    let name = name.to_owned();
    Ok((
        Sample {
            name,
            labels: found,
        },
        value,
    ))
}

#[test]
fn what_is_no_text_format_is_refused() {
    let good = "# HELP a_total All.\n# TYPE a_total counter\na_total{x=\"1\",y=\"\\\"}\"} 5\n";
    let read = Scrape::read(good).unwrap();
    assert_eq!(read.find("a_total", &[("x", "1"), ("y", "\"}")]), Some("5"));
    for bad in [
        "",
        "a_total 5\n",
        "# TYPE a_total counter\na_total 5\n",
        "# HELP a All.\n# TYPE a counter\na 5",
        "# HELP a All.\n# TYPE a counter\nb 5\n",
        "# HELP a All.\n# TYPE a counter\na 5\na 5\n",
        "# HELP a All.\n# TYPE a counter\na five\n",
        "# HELP a All.\n# TYPE a counter\na{x=\"1} 5\n",
        "# HELP a All.\n# TYPE a counter\na{x=\"1\"y=\"2\"} 5\n",
        "# HELP a All.\n# TYPE a summary\na 5\n",
        "# HELP 1a All.\n# TYPE 1a counter\n1a 5\n",
        "# HELP a All.\n# TYPE a histogram\na_bucket{le=\"1\"} 2\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 1\n",
        "# HELP a All.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_bucket{le=\"+Inf\"} 1\na_sum 1\na_count 2\n",
        "# HELP a All.\n# TYPE a histogram\na_bucket{le=\"1\"} 1\na_sum 1\na_count 1\n",
    ] {
        assert!(Scrape::read(bad).is_err(), "{bad}");
    }
}
