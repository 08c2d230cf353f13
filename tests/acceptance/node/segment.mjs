// Sends one event of each kind through Segment's own library; prints what it could not deliver as JSON.
import { Analytics } from '@segment/analytics-node';

const [, , host, writeKey, anonymousId] = process.argv;
const analytics = new Analytics({ host, writeKey, maxRetries: 0 });
const failures = [];
analytics.on('error', (error) => failures.push(String(error.reason ?? error.code)));
analytics.track({ anonymousId, event: 'Product Viewed', properties: { product_id: 'p1', category: 'shoes' } });
analytics.page({ anonymousId, name: 'Home', properties: { path: '/' } });
analytics.screen({ anonymousId, name: 'Start' });
analytics.identify({ userId: `user of ${anonymousId}`, anonymousId, traits: { plan: 'gold' } });
analytics.group({ userId: `user of ${anonymousId}`, anonymousId, groupId: 'team' });
await analytics.closeAndFlush();
console.log(JSON.stringify(failures));
