// The channels, and a talk in one of them.
import { call, get, post } from './api.js';
import { el, fill, guarded, short, time } from './dom.js';
import { DEFAULT_SERVER, me } from './people.js';

const SHOWN = 100;

export async function chat(main, [channelID], app) {
  const list = el('nav.card.channels', { 'aria-label': 'Channels' });
  const talk = el('section.card.talk', { 'aria-label': 'Talk' });
  fill(main, el('h1', {}, 'Chat'), el('div.split', {}, list, talk));
  const channels = await channelsOfAll();
  fill(list, channels.length ? channels.map((c) => el('a', { href: `#/chat/${c.id}`, 'aria-current': c.id === channelID && 'page', 'data-entry': true }, c.name, el('span.small.soft', {}, c.type)))
    : el('p.empty', {}, 'No channel yet: talk to an agent.'));
  if (!channelID) {
    talk.classList.add('idle');
    fill(talk, el('p.empty', {}, 'Choose a channel, or talk to one of the ', el('a', { href: '#/agents' }, 'agents'), '.'));
    return undefined;
  }
  const channel = channels.find((c) => c.id === channelID) ?? await get(`/api/messaging/central-channels/${channelID}/details`);
  return room(talk, channel, app);
}

async function channelsOfAll() {
  const { servers } = await get('/api/messaging/central-servers');
  const lists = await Promise.all(servers.map((server) => get(`/api/messaging/central-servers/${server.id}/channels`)));
  return lists.flatMap((found) => found.channels);
}

async function room(talk, channel, app) {
  const said = el('div.said', { role: 'log', 'aria-label': `Messages in ${channel.name}`, tabindex: 0 });
  const partials = new Map(); // message id → an answer under way
  const unanswered = new Map(); // turn id → a turn that ended without an answer
  const text = el('input.grow', { name: 'text', autocomplete: 'off', 'aria-label': 'What you say', 'data-first': true, required: true, placeholder: 'Say something' });
  fill(talk, el('div.row.middle', {}, el('h2', {}, channel.name), el('a', { href: `#/story/channels/${channel.id}` }, 'Story')), said,
    el('form.row', {
      submit: guarded(async (event) => {
        event.preventDefault();
        const content = text.value;
        text.value = '';
        try {
          await post(`/api/messaging/central-channels/${channel.id}/messages`, {
            author_id: me(), content, server_id: channel.messageServerId ?? DEFAULT_SERVER, source_type: 'dashboard', metadata: { user_display_name: 'Dashboard' },
          });
        } catch (error) {
          text.value ||= content;
          throw error;
        }
      }),
    }, text, el('button.main', { type: 'submit' }, 'Send'),
    el('button', { type: 'button', click: guarded(() => post(`/api/messaging/central-channels/${channel.id}/abort`)), title: 'End the answers that are under way' }, 'Abort')));

  let messages = [];
  const draw = () => {
    const atEnd = said.scrollHeight - said.scrollTop - said.clientHeight < 80;
    fill(said, messages.map((m) => [bubble(m), [...unanswered.values()].filter((turn) => turn.messageId === m.id).map(ending)]), [...partials].filter(([id]) => !messages.some((m) => m.id === id)).map(([, partial]) => el('div.bubble.partial', {}, el('span.by', {}, 'is answering'), partial.text)));
    if (atEnd) said.scrollTop = said.scrollHeight;
  };
  const refresh = guarded(async () => {
    messages = (await get(`/api/messaging/central-channels/${channel.id}/messages?limit=${SHOWN}`)).messages.reverse();
    draw();
  });
  let asked = false; // several facts at once are one reason to read again
  const soon = () => {
    if (asked) return;
    asked = true;
    setTimeout(() => { asked = false; refresh(); }, 50);
  };
  await refresh();
  said.scrollTop = said.scrollHeight;
  text.focus();
  return app.stream.subscribe('chat', { channels: [channel.id] }, {
    events: (facts) => {
      for (const fact of facts) {
        if (fact.type === 'TurnCompleted') {
          if (['failed', 'aborted'].includes(fact.data.outcome)) unanswered.set(fact.data.turnId, fact.data);
          else unanswered.delete(fact.data.turnId);
        }
        for (const [id, partial] of partials) {
          if (id === fact.data.messageId || (fact.type === 'TurnCompleted' && partial.inReplyTo === fact.data.messageId)) partials.delete(id);
        }
      }
      soon();
    },
    partial: (chunk) => {
      const before = chunk.index ? partials.get(chunk.messageId)?.text ?? '' : ''; // another attempt begins anew
      partials.set(chunk.messageId, { inReplyTo: chunk.inReplyTo, text: before + chunk.chunk });
      draw();
    },
    reset: soon,
  });
}

// ending says how a turn ended that brought no answer.
function ending(turn) {
  return el('p.small.soft', {}, `No answer: ${turn.outcome}${turn.reason ? `, ${turn.reason}` : ''} `, el('a', { href: `#/why/turns/${turn.turnId}` }, 'why'));
}

function bubble(message) {
  const own = message.authorId === me();
  const byAgent = message.sourceType === 'agent_response';
  const name = message.metadata?.agentName ?? message.metadata?.user_display_name ?? (own ? 'You' : short(message.authorId));
  return el(`div.bubble${own ? '.own' : ''}`, {}, el('span.by', {}, el('strong', {}, name), time(message.createdAt),
    el('a', { href: `#/story/messages/${message.id}` }, 'story'), byAgent && el('a', { href: `#/why/messages/${message.id}` }, 'why'),
    el('button.link', { 'aria-label': 'Remove this message', click: guarded(() => call('DELETE', `/api/messaging/central-channels/${message.channelId}/messages/${message.id}`)) }, 'remove')), message.content);
}
