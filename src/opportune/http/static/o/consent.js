// What the visitor agreed to: a list of purposes, or null where nobody asks.
const consent = {
  purposes: () => navigator.globalPrivacyControl ? [] : null,
  onChange() {},
};
