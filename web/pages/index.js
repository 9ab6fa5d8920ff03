/** The list of shows: `/`. */

import "../elements/shows-page.js";
