___TERMS_OF_SERVICE___

By creating or modifying this file you agree to Google Tag Manager's Community
Template Gallery Developer Terms of Service available at
https://developers.google.com/tag-manager/gallery-tos (or such other URL as
Google may provide), as modified from time to time.


___INFO___

{
  "type": "TAG",
  "id": "cvt_temp_public_id",
  "version": 1,
  "securityGroups": [],
  "displayName": "Opportune",
  "brand": {
    "id": "brand_dummy",
    "displayName": "Opportune"
  },
  "description": "Loads Opportune's page script from your own server. It reads the data layer and your consent banner, and keeps nothing before a yes.",
  "containerContexts": [
    "WEB"
  ]
}


___TEMPLATE_PARAMETERS___

[
  {
    "type": "TEXT",
    "name": "address",
    "displayName": "Address of your Opportune server",
    "simpleValueType": true,
    "help": "Such as https://shop.example/o. The script is loaded from ADDRESS/o.js.",
    "valueValidators": [
      {
        "type": "REGEX",
        "args": [
          "^https://.+[^/]$"
        ],
        "errorMessage": "An address that begins with https:// and does not end with a slash."
      }
    ]
  },
  {
    "type": "TEXT",
    "name": "writeKey",
    "displayName": "Write key",
    "simpleValueType": true,
    "help": "The public key, which begins with owk_. Never the secret one.",
    "valueValidators": [
      {
        "type": "REGEX",
        "args": [
          "^owk_.+$"
        ],
        "errorMessage": "A write key begins with owk_."
      }
    ]
  },
  {
    "type": "SELECT",
    "name": "banner",
    "displayName": "Consent banner",
    "simpleValueType": true,
    "defaultValue": "google",
    "macrosInSelect": false,
    "selectItems": [
      { "value": "google", "displayValue": "Google Consent Mode" },
      { "value": "cookiebot", "displayValue": "Cookiebot" },
      { "value": "onetrust", "displayValue": "OneTrust" },
      { "value": "complianz", "displayValue": "Complianz" },
      { "value": "shopify", "displayValue": "Shopify" },
      { "value": "own", "displayValue": "The page calls opportune.consent()" },
      { "value": "none", "displayValue": "This site has no banner" }
    ]
  }
]


___SANDBOXED_JS_FOR_WEB_TEMPLATE___

const injectScript = require('injectScript');
const setInWindow = require('setInWindow');

setInWindow('opportuneTag', { key: data.writeKey, consent: data.banner }, true);
injectScript(data.address + '/o.js', data.gtmOnSuccess, data.gtmOnFailure, 'opportune');


___WEB_PERMISSIONS___

[
  {
    "instance": {
      "key": {
        "publicId": "access_globals",
        "versionId": "1"
      },
      "param": [
        {
          "key": "keys",
          "value": {
            "type": 2,
            "listItem": [
              {
                "type": 3,
                "mapKey": [
                  { "type": 1, "string": "key" },
                  { "type": 1, "string": "read" },
                  { "type": 1, "string": "write" },
                  { "type": 1, "string": "execute" }
                ],
                "mapValue": [
                  { "type": 1, "string": "opportuneTag" },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": true },
                  { "type": 8, "boolean": false }
                ]
              }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  },
  {
    "instance": {
      "key": {
        "publicId": "inject_script",
        "versionId": "1"
      },
      "param": [
        {
          "key": "urls",
          "value": {
            "type": 2,
            "listItem": [
              { "type": 1, "string": "https://*/o.js" },
              { "type": 1, "string": "https://*/o/o.js" }
            ]
          }
        }
      ]
    },
    "clientAnnotations": {
      "isEditedByUser": true
    },
    "isRequired": true
  }
]


___TESTS___

scenarios:
- name: Loads the script with its key and banner
  code: |-
    const given = { address: 'https://shop.example/o', writeKey: 'owk_1', banner: 'google',
      gtmOnSuccess: () => {}, gtmOnFailure: () => {} };
    mock('injectScript', (url, onSuccess) => {
      assertThat(url).isEqualTo('https://shop.example/o/o.js');
      onSuccess();
    });
    runCode(given);
    assertApi('setInWindow').wasCalledWith('opportuneTag', { key: 'owk_1', consent: 'google' }, true);
    assertApi('injectScript').wasCalled();
setup: ''


___NOTES___

Fire it on Consent Initialization, so that nothing is missed.
