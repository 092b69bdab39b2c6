package httpapi

import (
	"encoding/json"
	"regexp"
	"strings"
)

// placeholders stand in the examples of bodies for what they are about.
var placeholders = strings.NewReplacer(
	"{agent}", exampleAgent.String(), "{user}", exampleUser.String(), "{server}", exampleServer.String(), "{channel}", exampleChannel.String(),
	"{message}", exampleMessage.String(), "{world}", exampleWorld.String(), "{room}", exampleRoom.String(),
)

// noBody is what operations take that need none.
const noBody = `{}`

// bodies are examples of what operations take, by method and path.
var bodies = map[string]string{
	"POST /api/agents":                                                `{"characterJson":{"name":"Eliza","bio":["A listener of 1966."],"settings":{"secrets":{"TOKEN":"kept encrypted"}}}}`,
	"PATCH /api/agents/{agentId}":                                     `{"system":"Be brief.","settings":{"voice":null}}`,
	"POST /api/agents/{agentId}/start":                                noBody,
	"POST /api/agents/{agentId}/stop":                                 noBody,
	"POST /api/agents/{agentId}/memories":                             `{"content":{"text":"Ann likes tea."},"tableName":"facts","roomId":"{room}"}`,
	"PATCH /api/agents/{agentId}/memories/{memoryId}":                 `{"content":{"text":"Ann likes green tea."}}`,
	"POST /api/agents/{agentId}/rooms":                                `{"name":"Study","type":"GROUP"}`,
	"POST /api/agents/{agentId}/import":                               `{"name":"Iris","bio":["Listens."],"memories":[{"content":{"text":"Tea."}}]}`,
	"POST /api/agents/{agentId}/worlds":                               `{"name":"Home","metadata":{"quiet":true}}`,
	"PATCH /api/agents/{agentId}/worlds/{worldId}":                    `{"name":"Away"}`,
	"POST /api/messaging/servers":                                     `{"name":"Library","sourceType":"discord","sourceId":"123"}`,
	"POST /api/messaging/servers/{serverId}/sync-channels":            `{"channels":[{"name":"general","type":"GROUP","sourceId":"456"}]}`,
	"POST /api/messaging/servers/{serverId}/agents":                   `{"agentId":"{agent}"}`,
	"POST /api/messaging/channels":                                    `{"serverId":"{server}","name":"general","type":"GROUP","topic":"Everything"}`,
	"POST /api/messaging/central-channels":                            `{"name":"Us","server_id":"{server}","type":"DM","participantCentralUserIds":["{user}","{agent}"]}`,
	"PATCH /api/messaging/central-channels/{channelId}":               `{"name":"Feeling at home"}`,
	"POST /api/messaging/central-channels/{channelId}/agents":         `{"agentId":"{agent}"}`,
	"POST /api/messaging/central-channels/{channelId}/messages":       `{"author_id":"{user}","server_id":"{server}","content":"I feel at home here.","metadata":{"user_display_name":"Ann"}}`,
	"POST /api/messaging/central-channels/{channelId}/generate-title": `{"agentId":"{agent}"}`,
	"POST /api/messaging/central-channels/{channelId}/abort":          `{"messageId":"{message}","agentId":"{agent}"}`,
	"PATCH /api/messaging/messages/{messageId}":                       `{"content":"I feel well here."}`,
	"POST /api/messaging/messages/search":                             `{"query":"home -away","channelId":"{channel}","limit":10}`,
	"POST /api/messaging/submit":                                      `{"channel_id":"{channel}","server_id":"{server}","author_id":"{agent}","content":"Do you?","source_type":"agent_response","raw_message":{"text":"Do you?"},"in_reply_to_message_id":"{message}"}`,
	"POST /api/messaging/complete":                                    `{"channel_id":"{channel}","server_id":"{server}"}`,
	"POST /api/messaging/ingest-external":                             `{"channel_id":"{channel}","server_id":"{server}","author_id":"ann#1","author_display_name":"Ann","content":"Hello from elsewhere.","source_type":"discord","source_id":"789"}`,
	"POST /api/memory/groups":                                         `{"serverId":"{server}","agentIds":["{agent}"],"worldId":"{world}","source":"client"}`,
	"POST /api/memory/groups/{serverId}":                              `{"agentIds":["{agent}"],"worldId":"{world}","source":"client"}`,
	"POST /api/server/stop":                                           noBody,
	"POST /api/server/logs":                                           noBody,
	"POST /api/server/parked/retry":                                   noBody,
	"POST /api/server/parked/{eventId}/retry":                         noBody,
	"POST /api/system/env/local":                                      `{"content":{"OPENAI_BASE_URL":"http://localhost:11434/v1"}}`,
}

// ofAnAgent are the spellings of paths below an agent.
var ofAnAgent = regexp.MustCompile(`/api/memory/(?:agents/)?\{agentId\}`)

// bodyOf is an example of what an operation takes, nil where there is none.
func bodyOf(route, typ string) any {
	if typ == "multipart/form-data" {
		return map[string]string{"file": "(the bytes of me.png)"}
	}
	found, ok := bodies[ofAnAgent.ReplaceAllString(route, "/api/agents/{agentId}")]
	switch {
	case !ok:
		return nil
	case typ == ndjson:
		return `{"type":"memory","data":{"content":{"text":"Tea."}}}` + "\n"
	}
	return json.RawMessage(placeholders.Replace(found))
}
