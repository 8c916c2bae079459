//! Whatever deletes an account is killed at every place where its world could come
//! apart: it is deleted once all the same.

use super::leaving::{Listening, STEPS};
use super::leaving_with_a_card::Cardholder;
use crate::fakes::Fault;
use crate::fakes::platform::Reply;
use crate::fakes::smtp::Reception;
use crate::on_both;
use crate::support::House;
use crate::support::wall::{Wall, kill};

on_both!(
    killed_while_it_is_confirmed,
    killed_while_the_final_invoice_is_charged,
    killed_while_it_is_erased,
);

/// Where confirming is killed.
struct Place {
    /// The table that it comes to write.
    table: &'static str,
    /// What it has committed by then.
    stands: &'static str,
    /// Whether the link is used up by then.
    is_spent: bool,
    /// Whether Stripe was asked to charge by then.
    is_charged: bool,
}

const ASKED: &str = "SELECT COUNT(*) FROM account_deletion WHERE state = 'asked'";
const SETTLING: &str = "SELECT COUNT(*) FROM account_deletion WHERE state = 'settling'";
const ATTEMPTED: &str = "SELECT COUNT(*) FROM payment_attempt";
const PAID: &str = "SELECT COUNT(*) FROM payment_attempt WHERE state = 'succeeded'";
const ERASING: &str = "SELECT COUNT(*) FROM account_deletion WHERE state = 'erasing'";

const PLACES: [Place; 5] = [
    Place::at("invoice", ASKED, false, false),
    Place::at("account_deletion", ASKED, false, false),
    Place::at("payment_attempt", SETTLING, true, false),
    Place::at("ledger_entry", ATTEMPTED, true, true),
    Place::at("account_deletion_step", PAID, true, true),
];

impl Place {
    const fn at(
        table: &'static str,
        stands: &'static str,
        is_spent: bool,
        is_charged: bool,
    ) -> Self {
        Self {
            table,
            stands,
            is_spent,
            is_charged,
        }
    }
}

/// The schedule goes on, day after day, until the account is being erased; then the
/// platform does the rest.
#[track_caller]
fn goes_on(holder: &Cardholder<'_>) {
    let leaver = &holder.leaver;
    for day in 10..20 {
        leaver.house.set_now(&format!("2026-11-{day}T21:00:00Z"));
        leaver.house.run(&["tick"]);
        if leaver.standing()["state"] == "erasing" {
            break;
        }
    }
    assert_eq!(leaver.standing()["state"], "erasing");
    leaver.work_off("acc-2", 1);
    leaver.deliver();
    assert_eq!(leaver.advance(), ["1 account: erased"]);
    holder.left_once();
}

fn killed_while_it_is_confirmed(house: &House) {
    for place in PLACES {
        let house = house.sibling();
        let holder = Cardholder::open(&house);
        let leaver = &holder.leaver;
        leaver.ask(&[]);
        let token = leaver.token();
        leaver.deliver();
        let wall = Wall::before(&house, place.table);
        let mut child = house.spawn(&["account", "confirm-deletion", &token]);
        let charges = || holder.stripe.requests("POST /v1/payment_intents");
        wall.kill(&mut child, |watch| {
            watch.count(place.stands) > 0 && charges() == usize::from(place.is_charged)
        });
        assert_eq!(charges(), usize::from(place.is_charged), "{}", place.table);
        let invoices = house.invoices("2026-11").len();
        assert_eq!(invoices, usize::from(place.is_spent), "{}", place.table);
        if place.is_spent {
            leaver.confirm_in_vain(&token);
        } else {
            // Nothing of it stands, and the customer uses the link again.
            assert_eq!(leaver.topics("platform"), [""; 0]);
            leaver.confirm(&token);
        }
        goes_on(&holder);
    }
}

fn killed_while_the_final_invoice_is_charged(house: &House) {
    let holder = Cardholder::open(house);
    let (leaver, stripe) = (&holder.leaver, &holder.stripe);
    leaver.ask(&[]);
    let token = leaver.token();
    leaver.deliver();
    // Stripe has it, and takes its time.
    stripe.hold_charges(true);
    let mut child = house.spawn(&["account", "confirm-deletion", &token]);
    while stripe.requests("POST /v1/payment_intents") == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it did not wait");
        std::thread::yield_now();
    }
    kill(&mut child);
    house.watch().until_alone();
    stripe.hold_charges(false);
    goes_on(&holder);
}

fn killed_while_it_is_erased(house: &House) {
    let holder = Cardholder::open(house);
    let (leaver, stripe) = (&holder.leaver, &holder.stripe);
    leaver.leave(&[]);
    assert_eq!(leaver.count(ERASING), 1);

    // The platform has the first step, and has not answered: it is told again, under
    // the same name, once the lease of the one who died is over.
    leaver
        .platform
        .reply_to("acc-2", [Reply::Status(200), Reply::Hang]);
    let mut child = house.spawn(&["outbox", "deliver"]);
    leaver.platform.until_came(2);
    kill(&mut child);
    house.set_now("2026-11-10T11:00:00Z");
    leaver.deliver();
    let came = leaver.platform.came();
    assert_eq!(came.len(), 3);
    assert_eq!(came[1].id, came[2].id);

    // Each of its answers is lost while it is recorded, and given again.
    for (done, step) in STEPS.into_iter().enumerate().take(2) {
        let asked = "SELECT COUNT(*) FROM outbox WHERE topic = 'account.deletion.step'";
        let before = leaver.count(asked);
        let mut served = Listening::start(house);
        let wall = Wall::before(house, "account_deletion_step");
        let unanswered = served.step_done_unanswered("acc-2", 1, step);
        wall.kill(served.process(), |watch| watch.count(ERASING) > 0);
        unanswered.join().unwrap();
        drop(served);
        assert_eq!(leaver.count(asked), before, "{step}");
        let served = Listening::start(house);
        let again = served.step_done("acc-2", 1, step);
        assert_eq!(again, (200, "recorded\n".to_owned()), "{step}");
        assert_eq!(leaver.count(asked), before + 1, "{step}");
        drop(served);
        leaver.deliver();
        assert_eq!(leaver.standing()["steps"][done]["step"], step);
    }
    leaver.work_off_from("acc-2", 1, 2);

    // The mail server has begun to take the last mail, and has not taken it.
    let sent = leaver.smtp.count();
    leaver.smtp.receive("jan@example.com", [Reception::Hang]);
    let mut child = house.spawn(&["outbox", "deliver"]);
    leaver.smtp.until_begun(sent + 1);
    kill(&mut child);
    house.watch().until_alone();
    leaver.smtp.clear("jan@example.com");
    assert_eq!(leaver.advance(), [""; 0], "the last mail is not sent");
    house.set_now("2026-11-10T13:00:00Z");
    leaver.deliver();
    assert_eq!(leaver.smtp.count(), sent + 1);

    // Its card is off at Stripe, and nobody has heard that.
    let detaches = || {
        let seen = stripe.seen();
        let seen = seen.iter().filter(|seen| seen.path.ends_with("/detach"));
        seen.count()
    };
    stripe.read_faults().push(Fault::HangAfter);
    let erase = ["tick", "--job", "deletion"];
    let mut child = house.spawn(&erase);
    while detaches() == 0 {
        assert_eq!(child.try_wait().unwrap(), None, "it did not wait");
        std::thread::yield_now();
    }
    kill(&mut child);
    house.watch().until_alone();

    // All but the end of it is written: none of it stands.
    let wall = Wall::before(house, "audit_entry");
    let profiles = house.watch().rows_as_text("billing_profile");
    assert!(profiles.contains("Jan Kowalski"), "{profiles}");
    let mut child = house.spawn(&erase);
    wall.kill(&mut child, |watch| watch.count(ERASING) > 0);
    assert_eq!(detaches(), 2);
    assert_eq!(house.watch().rows_as_text("billing_profile"), profiles);
    assert_eq!(leaver.count("SELECT COUNT(*) FROM payment_card"), 1);
    house.run(&["verify"]);

    assert_eq!(leaver.advance(), ["1 account: erased"]);
    holder.left_once();
}
