/** The merchant's office: `/merchant`. */

import "../elements/merchant-page.js";
