// Who sits in front of the page, and the channels that they open.
import { get, post } from './api.js';

const ME = 'annals.me';
export const DEFAULT_SERVER = '00000000-0000-0000-0000-000000000000';

// me is the id under which this browser speaks.
export function me() {
  if (!localStorage.getItem(ME)) localStorage.setItem(ME, newID());
  return localStorage.getItem(ME);
}

// newID works also where the page is not served securely, where crypto.randomUUID is missing.
function newID() {
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

// talkTo answers with the channel of this browser and an agent, which it makes the first time.
export async function talkTo(agent) {
  const { channels } = await get(`/api/messaging/central-servers/${DEFAULT_SERVER}/channels`);
  const known = channels.find((c) => c.type === 'DM' && c.metadata?.user1 === me() && c.metadata?.forAgent === agent.id);
  if (known) return known.id;
  const made = await post('/api/messaging/central-channels', {
    name: `Trying ${agent.name}`, type: 'DM', server_id: DEFAULT_SERVER, participantCentralUserIds: [me(), agent.id],
    metadata: { isDm: true, user1: me(), user2: agent.id, forAgent: agent.id },
  });
  return made.id;
}
