//! The same file as others would write it (crate `sepa`), and files read back
//! without a word of the code under test.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::Event;
use quittance::domain::calendar::Instant;
use quittance::domain::money::{Currency, Money};
use quittance::domain::sepa::address::Address;
use quittance::domain::sepa::iban::IbanText;
use quittance::domain::sepa::mandate::Amendment;
use quittance::domain::sepa::message::{
    Block, Creditor, Debit, Debtor, Message, Scheme, SequenceType,
};
use quittance::providers::sepa::pain008::Version;
use sepa::charset::is_sepa_text;
use sepa::pain008::DirectDebitSchema;

/// The message by the crate's builder, which runs the EPC's checks too.
pub fn file(message: &Message, version: Version) -> String {
    let creditor = &message.creditor;
    let schema = match version {
        Version::V02 => DirectDebitSchema::IsoV2,
        Version::V08 => DirectDebitSchema::IsoV8,
    };
    let created_at = message.created_at.to_string();
    let builder = sepa::Pain008Builder::new(&creditor.name, &message.id)
        .schema(schema)
        .created_at(created_at.parse().unwrap());
    let builder = message.blocks.iter().fold(builder, |builder, block| {
        let mut group = sepa::DirectDebitGroup::new(
            &creditor.name,
            &sepa::validate_iban(creditor.iban.expose()).unwrap(),
            &sepa::validate_creditor_id(&creditor.identifier).unwrap(),
            block.collect_on.to_string().parse().unwrap(),
        )
        .payment_info_id(&block.id)
        .scheme(match block.scheme {
            Scheme::Core => sepa::DirectDebitScheme::Core,
            Scheme::B2b => sepa::DirectDebitScheme::B2b,
        })
        .sequence_type(block.sequence.code().parse().unwrap());
        if let Some(bic) = &creditor.bic {
            group = group.creditor_bic(bic.parse().unwrap());
        }
        if let Some(address) = &creditor.address {
            group = group.creditor_address(postal_address(address));
        }
        builder.add_group(group.add_entries(block.debits.iter().map(entry)))
    });
    builder.build().unwrap()
}

fn entry(debit: &Debit) -> sepa::DirectDebitEntry {
    let debtor = &debit.debtor;
    assert!(is_sepa_text(&debtor.name) && is_sepa_text(&debit.remittance));
    let mut entry = sepa::DirectDebitEntry::new(
        &debit.mandate_reference,
        debit.mandate_signed_on.to_string().parse().unwrap(),
        &debtor.name,
        sepa::validate_iban(debtor.iban.expose()).unwrap(),
        debit.amount.minor,
        &debit.end_to_end_id,
    );
    if let Some(bic) = &debtor.bic {
        entry = entry.with_bic(bic.parse().unwrap());
    }
    if let Some(address) = &debtor.address {
        entry = entry.with_debtor_address(postal_address(address));
    }
    if !debit.remittance.is_empty() {
        entry = entry.with_description(&debit.remittance);
    }
    if let Some(amendment) = &debit.amendment {
        let mut told = sepa::pain008::MandateAmendment::default();
        told.original_mandate_id
            .clone_from(&amendment.original_reference);
        told.original_creditor_name
            .clone_from(&amendment.original_creditor_name);
        told.original_creditor_id = amendment
            .original_creditor_id
            .as_ref()
            .map(|id| sepa::validate_creditor_id(id).unwrap());
        told.same_mandate_new_account = amendment.new_account;
        entry = entry.with_amendment(told);
    }
    entry
}

fn postal_address(address: &Address) -> sepa::PostalAddress {
    let mut told = sepa::PostalAddress::new(&address.town, &address.country).unwrap();
    if !address.street.is_empty() {
        told = told.street(&address.street);
    }
    if !address.building.is_empty() {
        told = told.building_number(&address.building);
    }
    if !address.post_code.is_empty() {
        told = told.post_code(&address.post_code);
    }
    address
        .lines
        .iter()
        .fold(told, |told, line| told.line(line))
}

/// An element with its attributes, its text and what is in it.
#[derive(Default, Debug)]
struct Node {
    name: String,
    attributes: Vec<(String, String)>,
    text: String,
    children: Vec<Node>,
}

fn tree(xml: &str) -> Node {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                let attributes = start.attributes().map(|attribute| {
                    let attribute = attribute.unwrap();
                    (
                        attribute.key.as_ref().to_owned(),
                        attribute.value.into_owned(),
                    )
                });
                open.push(Node {
                    name: start.name().as_ref().to_owned(),
                    attributes: attributes.collect(),
                    ..Node::default()
                });
            }
            Event::End(_) => {
                let node = open.pop().unwrap();
                open.last_mut().unwrap().children.push(node);
            }
            Event::Text(text) => open.last_mut().unwrap().text += &text.xml10_content(),
            Event::GeneralRef(entity) => {
                let name = entity.xml10_content();
                open.last_mut().unwrap().text += resolve_predefined_entity(&name).unwrap();
            }
            Event::Decl(_) => {}
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

/// Every element that has a text, in order, as `path @attribute = text`.
pub fn elements(xml: &str) -> Vec<String> {
    fn list(node: &Node, path: &str, out: &mut Vec<String>) {
        let mut path = format!("{path}/{}", node.name);
        for (key, value) in &node.attributes {
            path += &format!(" @{key}={value}");
        }
        if node.children.is_empty() {
            out.push(format!("{path} = {}", node.text));
        }
        for child in &node.children {
            list(child, &path, out);
        }
    }
    let mut out = Vec::new();
    list(&tree(xml), "", &mut out);
    out
}

impl Node {
    fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }

    fn find(&self, path: &str) -> Option<&Self> {
        path.split('/').try_fold(self, |node, name| {
            let mut found = node.all(name);
            let first = found.next();
            assert!(found.next().is_none(), "two {name} in {}", node.name);
            first
        })
    }

    fn optional(&self, path: &str) -> Option<String> {
        self.find(path).map(|node| node.text.clone())
    }

    fn text(&self, path: &str) -> String {
        self.optional(path)
            .unwrap_or_else(|| panic!("no {path} in {self:?}"))
    }

    fn cents(&self, path: &str) -> i64 {
        let (euros, cents) = self
            .text(path)
            .split_once('.')
            .map(|(a, b)| (a.to_owned(), b.to_owned()))
            .unwrap();
        assert_eq!(cents.len(), 2);
        euros.parse::<i64>().unwrap() * 100 + cents.parse::<i64>().unwrap()
    }

    fn bic(&self, agent: &str) -> Option<String> {
        let bank = self.find(agent).unwrap().find("FinInstnId").unwrap();
        let bic = bank.optional("BIC").or_else(|| bank.optional("BICFI"));
        if bic.is_none() {
            assert_eq!(bank.text("Othr/Id"), "NOTPROVIDED");
        }
        bic
    }

    fn address(&self, party: &str) -> Option<Address> {
        let address = self.find(party).unwrap().find("PstlAdr")?;
        Some(Address {
            street: address.optional("StrtNm").unwrap_or_default(),
            building: address.optional("BldgNb").unwrap_or_default(),
            post_code: address.optional("PstCd").unwrap_or_default(),
            town: address.text("TwnNm"),
            country: address.text("Ctry"),
            lines: address
                .all("AdrLine")
                .map(|line| line.text.clone())
                .collect(),
        })
    }
}

/// Reads a file back as what it was made of.
pub fn read(xml: &str) -> Message {
    let document = tree(xml);
    let message = document.find("CstmrDrctDbtInitn").unwrap();
    let first = message.all("PmtInf").next().unwrap();
    let created_at = message.text("GrpHdr/CreDtTm");
    let created_at = chrono::DateTime::parse_from_rfc3339(&created_at).unwrap();
    let creditor = Creditor {
        name: message.text("GrpHdr/InitgPty/Nm"),
        address: first.address("Cdtr"),
        identifier: first.text("CdtrSchmeId/Id/PrvtId/Othr/Id"),
        iban: IbanText::new(&first.text("CdtrAcct/Id/IBAN")),
        bic: first.bic("CdtrAgt"),
    };
    Message {
        id: message.text("GrpHdr/MsgId"),
        created_at: Instant(created_at.timestamp_micros()),
        creditor,
        blocks: message.all("PmtInf").map(read_block).collect(),
        count: message.text("GrpHdr/NbOfTxs").parse().unwrap(),
        control_sum_minor: message.cents("GrpHdr/CtrlSum"),
    }
}

fn read_block(block: &Node) -> Block {
    assert_eq!(block.text("PmtTpInf/SvcLvl/Cd"), "SEPA");
    Block {
        id: block.text("PmtInfId"),
        scheme: match block.text("PmtTpInf/LclInstrm/Cd").as_str() {
            "CORE" => Scheme::Core,
            "B2B" => Scheme::B2b,
            other => panic!("{other}"),
        },
        sequence: match block.text("PmtTpInf/SeqTp").as_str() {
            "FRST" => SequenceType::First,
            "RCUR" => SequenceType::Recurrent,
            "FNAL" => SequenceType::Final,
            "OOFF" => SequenceType::OneOff,
            other => panic!("{other}"),
        },
        collect_on: block.text("ReqdColltnDt").parse().unwrap(),
        debits: block.all("DrctDbtTxInf").map(read_debit).collect(),
        count: block.text("NbOfTxs").parse().unwrap(),
        control_sum_minor: block.cents("CtrlSum"),
    }
}

fn read_debit(debit: &Node) -> Debit {
    let mandate = debit.find("DrctDbtTx/MndtRltdInf").unwrap();
    let amended = mandate.find("AmdmntInfDtls");
    assert_eq!(
        mandate.optional("AmdmntInd").as_deref(),
        amended.map(|_| "true")
    );
    let currency = &debit.find("InstdAmt").unwrap().attributes;
    assert_eq!(*currency, [("Ccy".to_owned(), "EUR".to_owned())]);
    Debit {
        end_to_end_id: debit.text("PmtId/EndToEndId"),
        amount: Money::new(debit.cents("InstdAmt"), Currency::Eur),
        mandate_reference: mandate.text("MndtId"),
        mandate_signed_on: mandate.text("DtOfSgntr").parse().unwrap(),
        amendment: amended.map(|amended| Amendment {
            original_reference: amended.optional("OrgnlMndtId"),
            original_creditor_name: amended.optional("OrgnlCdtrSchmeId/Nm"),
            original_creditor_id: amended.optional("OrgnlCdtrSchmeId/Id/PrvtId/Othr/Id"),
            new_account: amended
                .optional("OrgnlDbtrAcct/Id/Othr/Id")
                .is_some_and(|code| {
                    assert_eq!(code, "SMNDA");
                    true
                }),
        }),
        debtor: Debtor {
            name: debit.text("Dbtr/Nm"),
            address: debit.address("Dbtr"),
            iban: IbanText::new(&debit.text("DbtrAcct/Id/IBAN")),
            bic: debit.bic("DbtrAgt"),
        },
        remittance: debit.optional("RmtInf/Ustrd").unwrap_or_default(),
    }
}
