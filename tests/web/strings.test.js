import assert from "node:assert/strict";
import { readdirSync, readFileSync, statSync } from "node:fs";
import { test } from "node:test";

import en from "../../web/strings/en.js";
import { money, said, speak, t } from "../../web/strings/speak.js";
import ru from "../../web/strings/ru.js";
import zh from "../../web/strings/zh.js";

const CATALOGUES = { en, zh, ru };
const WEB = new URL("../../web/", import.meta.url).pathname;

const formsOf = (text) => (typeof text === "string" ? [text] : Object.values(text));
const namesIn = (text) => new Set(formsOf(text).flatMap((form) => form.match(/\{\w+\}/g) ?? []));

function sources(folder) {
  return readdirSync(folder).flatMap((name) => {
    const path = `${folder}/${name}`;
    if (statSync(path).isDirectory()) return name === "strings" ? [] : sources(path);
    return name.endsWith(".js") ? [readFileSync(path, "utf8")] : [];
  });
}

for (const [language, catalogue] of Object.entries(CATALOGUES)) {
  test(`the ${language} catalogue has the keys of the English one, in the same order`, () => {
    assert.deepEqual(Object.keys(catalogue), Object.keys(en));
  });

  test(`every ${language} text is filled with the same names as the English one`, () => {
    for (const key of Object.keys(en)) assert.deepEqual(namesIn(catalogue[key]), namesIn(en[key]), key);
  });

  test(`every ${language} text that counts has all plural forms of the language`, () => {
    const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories;
    for (const [key, text] of Object.entries(catalogue)) {
      if (typeof text !== "string") assert.deepEqual(new Set(Object.keys(text)), new Set(wanted), key);
    }
  });
}

test("every key that a page says is in the catalogue", () => {
  const spoken = sources(WEB).flatMap((source) => [...source.matchAll(/\bt\(\s*"([^"]+)"/g)].map((match) => match[1]));
  assert.ok(spoken.length > 20);
  assert.deepEqual(spoken.filter((key) => !(key in en)), []);
});

test("every key in the catalogue is said by a page", () => {
  const source = sources(WEB).join("");
  const made = /^(state|error|refund|return|merchant\.step)\.[a-zA-Z]|^checkout\.(name|phone|address|email)/; // put together from a code or a field's name
  assert.deepEqual(Object.keys(en).filter((key) => !made.test(key) && !source.includes(`"${key}"`)), []);
});

test("a count takes the plural form of the language", () => {
  speak("ru");
  assert.equal(t("rail.open", { n: 3 }), "3 товара");
  assert.equal(t("rail.open", { n: 5 }), "5 товаров");
  speak("en");
  assert.equal(t("rail.open", { n: 1 }), "1 product");
});

test("money is written with the minor units of its currency", () => {
  speak("en");
  assert.equal(money(9960, "CNY"), "¥99.60");
  assert.equal(money(9960, "JPY"), "¥9,960");
});

test("a text of the shop falls back to a language that it has", () => {
  speak("zh");
  assert.equal(said({ en: "Honey", zh: "蜂蜜" }), "蜂蜜");
  assert.equal(said({ ru: "Мёд" }), "Мёд");
  assert.equal(said("Honey"), "Honey");
  assert.equal(said(null), "");
  speak("en");
});
