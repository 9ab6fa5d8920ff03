/**
 * The shapes that come over the seam (docs/http-api.md), for the type check alone; nothing runs here.
 *
 * @typedef {Record<string, string> | string} Text what the shop wrote: language to text, or one text for all
 *
 * @typedef {object} Party
 * @property {string} id
 * @property {Text} name
 *
 * @typedef {object} Studio
 * @property {string} id
 * @property {Text} name
 * @property {{id: string, agent: string, paired_at: number, renewed_at: number}[]} [pairings]
 *
 * @typedef {object} Show
 * @property {string} id
 * @property {Text} title
 * @property {"scheduled" | "opened" | "closing" | "closed"} state
 * @property {boolean} on_air
 * @property {number | null} starts_at Unix ms
 * @property {string | null} time_zone IANA name
 * @property {string} currency
 * @property {Party} merchant
 * @property {number} [hold_seconds]
 * @property {string | null} [studio]
 * @property {"H264" | "VP8" | "VP9" | "AV1"} [codec]
 *
 * @typedef {object} Line
 * @property {string} offer
 * @property {number} quantity
 * @property {number} price minor units
 * @property {Text} [title]
 * @property {string | null} [image]
 * @property {number} [returned] pieces that came back
 *
 * @typedef {object} Amounts
 * @property {number} goods
 * @property {number} freight
 * @property {number} tax
 * @property {number} discount
 * @property {number} total
 * @property {string} currency
 *
 * @typedef {object} Contact
 * @property {string} name
 * @property {string} phone
 * @property {string} address
 * @property {string} [email]
 * @property {string} [language]
 *
 * @typedef {object} Refund
 * @property {number} amount
 * @property {string} currency
 * @property {"due" | "made" | "refused"} state
 * @property {number} created_at
 * @property {number} changed_at
 *
 * @typedef {object} Return
 * @property {{line: number, pieces: number}[]} lines
 * @property {string} reason
 * @property {"asked" | "received" | "declined"} state
 * @property {number} asked_at
 *
 * @typedef {object} OrderFile an order with all that happened to it
 * @property {Order} order
 * @property {number} refunded
 * @property {{version: number, state: string, actor: string, reason: string, at: number}[]} changes
 * @property {Refund[]} refunds
 * @property {Return[]} returns
 * @property {{id: string, provider: string, state: string, amount: number}[]} payments
 *
 * @typedef {object} Order
 * @property {string} id
 * @property {string} show
 * @property {string} state
 * @property {Line[]} lines
 * @property {Amounts} amounts
 * @property {number | null} held_until Unix ms
 * @property {number} placed_at Unix ms
 * @property {Contact} [contact]
 * @property {string | null} [pay_url]
 * @property {number} [version]
 * @property {Refund[]} [refunds]
 * @property {Return[]} [returns]
 *
 * @typedef {object} Cart
 * @property {Line[]} lines
 * @property {Amounts} amounts
 *
 * @typedef {object} Offer
 * @property {string} id
 * @property {Text} title
 * @property {string | null} image
 * @property {{sku: string, units: number}[]} lines
 * @property {number} price
 * @property {number | null} before
 * @property {number | null} limit
 * @property {number} available
 * @property {boolean} sold_out
 * @property {boolean} withdrawn
 * @property {number} [all_in] price with tax and freight, where the shop says it
 *
 * @typedef {object} Pin
 * @property {string} offer
 * @property {number | null} pts_90khz
 * @property {number} pinned_at
 *
 * @typedef {object} Pool
 * @property {string} sku
 * @property {number} allotted
 * @property {number} held
 * @property {number} sold
 * @property {number} free
 *
 * @typedef {object} Tally
 * @property {number} orders
 * @property {number} paid
 * @property {number} revenue
 * @property {number} awaiting
 *
 * @typedef {object} Product
 * @property {string} sku
 * @property {Text} title
 * @property {string | null} image
 * @property {number} price
 * @property {string} currency
 * @property {number} stock
 * @property {string} [hs_code]
 * @property {string} [origin]
 * @property {number | string} [net_quantity]
 * @property {string} [net_unit]
 *
 * @typedef {object} RundownLine an offer as the merchant plans it
 * @property {string | null} offer
 * @property {Text} title
 * @property {string | null} image
 * @property {{sku: string, units: number}[]} lines
 * @property {number} price
 * @property {number | null} before
 * @property {number | null} cap
 * @property {number | null} limit
 * @property {Record<string, number>} allot
 *
 * @typedef {object} Seat
 * @property {string} whep
 * @property {string} token
 * @property {RTCIceServer[]} ice
 * @property {number} expires_at
 *
 * @typedef {object} Account
 * @property {string} id
 * @property {string} name
 * @property {"host" | "merchant" | "operator"} role
 * @property {string | null} merchant
 *
 * @typedef {Record<string, any>} Entities the flat state of a show: key to value
 *
 * @typedef {object} FeedMessage what a feed of events says to a page
 * @property {"snapshot" | "patch" | "state"} kind
 * @property {Entities} [entities]
 * @property {number} [ahead_ms] how far the shop's clock is ahead of ours (snapshot)
 * @property {FeedState} [state]
 *
 * @typedef {"connecting" | "live" | "lost" | "unknown" | "refused"} FeedState
 */
export {};
