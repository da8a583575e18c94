import { expect, it } from "vitest";
import { openVault, resealAll, vaultOf } from "./secrets.ts";

const [OLD, NEW] = ["an old key for tests", "a new key for tests"];
const vault = openVault({ secretKey: OLD });

it("a secret opens with the key and for the owner it was sealed for, and is sealed differently every time", () => {
  const sealed = vault.seal("пароль", "0367");
  expect(vault.open(sealed, "0367")).toBe("пароль");
  expect(vault.seal("пароль", "0367")).not.toBe(sealed);
  expect(() => vault.open(sealed, "0368")).toThrow(/another owner/);
  expect(() => openVault({ secretKey: NEW }).open(sealed, "0367")).toThrow(/another key/);
});

it("a sealed text that was changed does not open", () => {
  const sealed = vault.seal("secret", "0367");
  const bytes = Buffer.from(sealed.slice("sealed:1:".length), "base64");
  for (let at = 0; at < bytes.length; at++) {
    const changed = Buffer.from(bytes);
    changed[at]! ^= 1;
    expect(() => vault.open(`sealed:1:${changed.toString("base64")}`, "0367")).toThrow(/another key/);
  }
  for (const text of ["", "secret", "sealed:1:", "sealed:2:abcd"])
    expect(() => vault.open(text, "0367")).toThrow(/another key/);
});

it("without a key, or with a short one, it says which setting is missing", () => {
  for (const env of [{}, { RINGPOST_SECRET_KEY: "" }, { RINGPOST_SECRET_KEY: "short" }]) {
    expect(() => vaultOf(env).seal("secret", "0367")).toThrow(/RINGPOST_SECRET_KEY/);
  }
});

it("with the key before, what it sealed opens, and resealing needs it no more", () => {
  const settings = { integrations: [{ name: "crm", secret: vault.seal("one", "0367") }], note: "sealed" };
  const both = vaultOf({ RINGPOST_SECRET_KEY: NEW, RINGPOST_SECRET_KEY_BEFORE: OLD });
  const { value, count } = resealAll(settings, "0367", both);
  expect(count).toBe(1);
  expect(openVault({ secretKey: NEW }).open(value.integrations[0]!.secret, "0367")).toBe("one");
  expect(value).toMatchObject({ integrations: [{ name: "crm" }], note: "sealed" });
});
