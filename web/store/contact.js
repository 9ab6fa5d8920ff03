/** Whether a contact is fit to send a parcel to. Pure; the shop checks again. */

/** @typedef {"name" | "phone" | "address" | "email"} Field */

const FEWEST_DIGITS = 7;
const MOST_DIGITS = 15; // ITU-T E.164

/** @type {Record<Field, (text: string) => boolean>} */
const RULES = {
  name: (text) => /\p{L}/u.test(text) && [...text].length >= 2,
  phone: (text) => {
    const digits = text.replace(/\D/g, "").length;
    return /^\+?[\d\s().-]+$/.test(text) && digits >= FEWEST_DIGITS && digits <= MOST_DIGITS;
  },
  address: (text) => /\p{L}/u.test(text) && [...text].length >= 6,
  email: (text) => !text || /^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@(?:[A-Za-z0-9-]{1,63}\.)+[A-Za-z]{2,63}$/.test(text),
};

export const FIELDS = /** @type {Field[]} */ (Object.keys(RULES));

/**
 * @param {Field} field
 * @param {string} text
 */
export function isGood(field, text) {
  return RULES[field](text.trim());
}

/**
 * @param {import("../types.js").Contact} contact
 * @returns {Field[]} the fields to mend, in the order of the form
 */
export function toMend(contact) {
  return FIELDS.filter((field) => !isGood(field, contact[field] ?? ""));
}
