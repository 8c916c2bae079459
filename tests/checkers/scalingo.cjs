// The platform's official client for Node.js against a server: what it is told, as JSON
// on standard output. The first argument is the server's URL, the second an API token.
"use strict";

const { clientFromToken } = require("scalingo");

const KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIiz7cwdNGJpRX5HAQKVyy7IXBhGtSKIaGHDL1KWxxYo ada\n";

/** What an answer other than a right one says. */
async function refusal(call) {
  try {
    await call();
  } catch (error) {
    return { status: error.status, data: error.data };
  }
  throw new Error("it is not refused");
}

async function main() {
  const [url, token] = process.argv.slice(2);
  const urls = { apiUrl: url, authApiUrl: url, billingApiUrl: url };
  const client = await clientFromToken(token, urls);
  const told = {};
  told.self = await client.Users.self();
  told.updated = await client.Users.updateAccount({
    fullname: "Augusta Ada",
    preferences: { locale: "en", theme: "dark" },
  });
  told.profile = await client.Billing.profile();
  told.filled_in_again = await refusal(() => client.Billing.createProfile({ name: "Ada" }));
  told.profile_updated = await client.Billing.updateProfile(told.profile.id, {
    invoice_additional_info: "PO 4711",
  });
  told.wrong_profile = await refusal(() =>
    client.Billing.updateProfile(told.profile.id, { vat_number: "FR41303265045" }),
  );
  told.key = await client.Keys.create("laptop", KEY);
  told.keys = await client.Keys.all();
  told.key_shown = await client.Keys.show(told.key.id);
  told.key_again = await refusal(() => client.Keys.create("other", KEY));
  await client.Keys.destroy(told.key.id);
  told.keys_left = await client.Keys.all();
  told.token = await client.Tokens.create("ci");
  told.tokens = await client.Tokens.all();
  told.renewed = await client.Tokens.renew(told.token.id);
  const renewed = await clientFromToken(told.renewed.token, urls);
  told.self_by_renewed = await renewed.Users.self();
  await client.Tokens.destroy(told.renewed.id);
  told.not_let_in = await refusal(() => clientFromToken(told.renewed.token, urls));
  told.tfa = await client.TwoFactorAuth.status();
  told.tfa_initiated = await client.TwoFactorAuth.initiate();
  told.tfa_wrong = await refusal(() => client.TwoFactorAuth.validate(1234567));
  told.contracts = await client.Contracts.list();
  told.contracts_history = await client.Contracts.history();
  told.regions = await client.Regions.all();
  told.deletion_refused = await refusal(() => client.Users.requestAccountDeletion());
  told.events = await client.Events.all({ page: 1, per_page: 2 });
  process.stdout.write(`${JSON.stringify(told)}\n`);
}

main().catch((error) => {
  process.stderr.write(`${error.stack} ${JSON.stringify(error.data ?? null)}\n`);
  process.exitCode = 1;
});
