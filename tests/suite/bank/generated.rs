//! Made statements: what went in comes out; cut or changed anywhere, there is
//! an error or a sound answer, and never a panic.

use proptest::prelude::*;

use super::{fact, fixture, fixtures, read, references};

/// A booking as it is put in: `(kind, amount, charges, name, reason)`.
#[derive(Debug, Clone)]
struct Made {
    kind: u8,
    amount: u32,
    charges: u32,
    name: String,
    reason: &'static str,
}

impl Made {
    fn signed(&self) -> i64 {
        let (amount, charges) = (i64::from(self.amount), i64::from(self.charges));
        match self.kind {
            0 => amount - charges,
            1 => -amount - charges,
            _ => -amount,
        }
    }

    fn expected(&self) -> String {
        let (amount, charges) = (euros(self.amount.into()), euros(self.charges.into()));
        match self.kind {
            0 => format!("settled {amount} EUR, charges {charges} EUR, count None"),
            1 => {
                let word = if self.reason == "MD06" {
                    "refunded"
                } else {
                    "returned"
                };
                format!(
                    "{word} {amount} EUR, charges {charges} EUR, {} \"\"",
                    self.reason
                )
            }
            _ => format!("charged {amount} EUR"),
        }
    }

    fn xml(&self) -> String {
        let signed = self.signed();
        let sub = match self.kind {
            0 => "ESDD",
            1 => "UPDD",
            _ => "CHRG",
        };
        let reason = if self.kind == 1 {
            format!("<RtrInf><Rsn><Cd>{}</Cd></Rsn></RtrInf>", self.reason)
        } else {
            String::new()
        };
        let direction = if signed < 0 { "DBIT" } else { "CRDT" };
        let details = format!(
            "<NtryDtls><TxDtls><Refs><EndToEndId>{}</EndToEndId></Refs><Amt Ccy=\"EUR\">{}</Amt>\
             <CdtDbtInd>{direction}</CdtDbtInd><Chrgs><Rcrd><Amt Ccy=\"EUR\">{}</Amt></Rcrd></Chrgs>{reason}</TxDtls></NtryDtls>",
            escaped(&self.name),
            plain(self.amount.into()),
            plain(self.charges.into()),
        );
        format!(
            "<Ntry><Amt Ccy=\"EUR\">{}</Amt><CdtDbtInd>{direction}</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts>\
             <BookgDt><Dt>2026-12-01</Dt></BookgDt><BkTxCd><Domn><Cd>PMNT</Cd><Fmly><Cd>IDDT</Cd>\
             <SubFmlyCd>{sub}</SubFmlyCd></Fmly></Domn></BkTxCd>{}</Ntry>\n",
            plain(signed.abs()),
            if self.kind == 2 {
                String::new()
            } else {
                details
            },
        )
    }
}

fn plain(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}

fn euros(minor: i64) -> String {
    let (whole, cents) = (minor / 100, minor % 100);
    format!(
        "{}.{cents:02}",
        quittance::domain::money::grouped(&whole.to_string())
    )
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;")
}

fn made() -> impl Strategy<Value = Made> {
    (
        0_u8..3,
        1_000..2_000_000_000_u32,
        0..1_000_u32,
        "[A-Za-z0-9&<'é/?.-]{1,35}",
        prop::sample::select(vec!["AC04", "AM04", "MD01", "MD06", "MS02", "ZZ99"]),
    )
        .prop_map(|(kind, amount, charges, name, reason)| Made {
            kind,
            amount,
            charges,
            name,
            reason,
        })
}

fn statement(opening: i64, made: &[Made]) -> String {
    let balance = |code, minor: i64| {
        let direction = if minor < 0 { "DBIT" } else { "CRDT" };
        format!(
            "<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy=\"EUR\">{}</Amt>\
             <CdtDbtInd>{direction}</CdtDbtInd><Dt><Dt>2026-12-01</Dt></Dt></Bal>",
            plain(minor.abs())
        )
    };
    let net: i64 = made.iter().map(Made::signed).sum();
    let entries: String = made.iter().map(Made::xml).collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
         <Document xmlns=\"urn:iso:std:iso:20022:tech:xsd:camt.053.001.08\"><BkToCstmrStmt><GrpHdr><MsgId>M</MsgId>\
         <CreDtTm>2026-12-01T20:00:00</CreDtTm></GrpHdr>\n<Stmt><Id>S</Id><Acct><Id><IBAN>FR7630006000011234567890189</IBAN>\
         </Id><Ccy>EUR</Ccy></Acct>{}{}\n{entries}</Stmt></BkToCstmrStmt></Document>",
        balance("OPBD", opening),
        balance("CLBD", opening + net),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn what_went_in_comes_out(
        opening in -1_000_000_000..1_000_000_000_i64,
        made in prop::collection::vec(made(), 0..30),
    ) {
        let xml = statement(opening, &made);
        let answer = read(&xml).map_err(|error| TestCaseError::fail(format!("{error}\n{xml}")))?;
        prop_assert!(answer.reports[0].balances_checked);
        let found: Vec<String> = answer.entries.iter().map(fact).collect();
        let expected: Vec<String> = made.iter().map(Made::expected).collect();
        prop_assert_eq!(found, expected);
        for (entry, made) in answer.entries.iter().zip(&made) {
            if made.kind != 2 {
                let name = format!("end-to-end {},", made.name);
                prop_assert!(references(&entry.references).contains(&name));
            }
            // Entries start on the lines they were put on.
            let line = xml.lines().nth(usize::try_from(entry.place.line).unwrap() - 1).unwrap();
            let at = usize::try_from(entry.place.byte).unwrap();
            prop_assert!(line.starts_with("<Ntry>"));
            prop_assert!(xml[at..].starts_with("<Ntry>") || xml[at..].starts_with("<TxDtls>"));
        }
        // A cent more on the closing balance does not go through.
        let mut wrong = made.clone();
        if let Some(first) = wrong.first_mut() {
            first.amount += 1;
            let entries = |made: &[Made]| made.iter().map(Made::xml).collect::<String>();
            let wrong = xml.replace(&entries(&made), &entries(&wrong));
            prop_assert!(read(&wrong).unwrap_err().to_string().contains("opening balance"));
        }
    }

    #[test]
    fn no_change_makes_it_panic(
        sample in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0_u8..6, any::<u8>(), any::<prop::sample::Index>()), 1..6),
    ) {
        let names = fixtures();
        let mut bytes = fixture(&names[sample.index(names.len())]).into_bytes();
        for (at, what, byte, other) in changes {
            let (at, other) = (at.index(bytes.len()), other.index(bytes.len()));
            let (start, end) = (at.min(other), at.max(other));
            match what {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, byte),
                2 => drop(bytes.drain(start..end.min(start + 40))),
                3 => bytes.swap(at, other),
                4 => {
                    let piece = bytes[start..end.min(start + 300)].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => bytes.splice(at..at, *b"<&]]>\"'/?!").for_each(drop),
            }
            prop_assume!(!bytes.is_empty());
        }
        let whole = quittance::providers::sepa::answers::BankAnswer::read(bytes.as_slice());
        // Read byte by byte, the answer is the same.
        let slow = std::io::BufReader::with_capacity(1, bytes.as_slice());
        let slow = quittance::providers::sepa::answers::BankAnswer::read(slow);
        prop_assert_eq!(
            whole.map_err(|error| error.to_string()),
            slow.map_err(|error| error.to_string())
        );
    }
}

proptest! {
    // Each case is some thousand files.
    #![proptest_config(ProptestConfig::with_cases(6))]

    #[test]
    fn cut_anywhere_it_is_refused(made in prop::collection::vec(made(), 0..4)) {
        let xml = statement(0, &made);
        for end in 0..xml.len() {
            let cut = &xml.as_bytes()[..end];
            prop_assert!(quittance::providers::sepa::answers::BankAnswer::read(cut).is_err(), "{}", end);
        }
    }
}
