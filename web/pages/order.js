/** An order: `/orders/{order}`. */

import "../elements/order-page.js";
