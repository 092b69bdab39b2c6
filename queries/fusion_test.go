package queries_test

import (
	"testing"

	"github.com/google/uuid"

	"annals/queries"
	"annals/transport/models"
	"annals/transport/models/glove"
	"annals/transport/models/hashing"
)

// remembered are memories, each with questions that it answers: in other words, by a name or a number, misspelled, in other languages.
var remembered = map[string][]string{
	"Tom's dog has a fever and the vet wants to see it again.":         {"is his puppy sick?", "when does the animal go to the doctor", "Tom vet"},
	"Our flight to Lisbon leaves at 06:40 from gate B17.":              {"what time is the plane", "gate B17", "trip to Portugal"},
	"The invoice 2024-0815 over 1,250 euros was paid in March.":        {"2024-0815", "did we pay the bill", "1,250"},
	"Grandmother taught me to bake bread with rye flour.":              {"who showed you how to make a loaf", "grandma recipe", "rye"},
	"Kubernetes restarts the pod whenever the probe fails.":            {"kubernets restart", "why does the container start again", "probe fails"},
	"The password policy asks for twelve characters and a digit.":      {"how long must a passphrase be", "rules for passwords"},
	"Maria plays the violin in an orchestra in Vienna.":                {"which instrument does Maria play", "musician in Austria", "orchestra"},
	"Dr. Okonkwo moved to the children's hospital last autumn.":        {"Okonkwo", "where does the physician work now", "fall job change of the doctor"},
	"The cellar floods whenever the river is high in spring.":          {"water in the basement", "cellar", "flooding"},
	"Jonas is allergic to peanuts and carries an injector.":            {"what food must Jonas avoid", "nut allergy", "Jonas"},
	"We agreed to meet on Thursday at the Blue Lantern restaurant.":    {"where are we having dinner", "Blue Lantern", "which day is the appointment"},
	"Her thesis compares medieval maps of the Baltic Sea.":             {"what did she write about", "old charts of the ocean", "thesis"},
	"The server room smells of smoke since the storm.":                 {"is something burning", "smoke", "after the thunderstorm"},
	"Lea's car broke down near Toulouse, the clutch was worn.":         {"what happened to her vehicle", "Toulouse", "clutch"},
	"Please turn the heating down at night to save gas.":               {"lower the temperature in the evening", "heating"},
	"Der Schlüssel zum Gartenhaus liegt unter dem dritten Blumentopf.": {"wo ist der schlussel", "Gartenhausschlüssel", "blumentoepfe"},
	"Встреча с бухгалтером перенесена на пятницу.":                     {"когда встречи с бухгалтером", "бухгалтер", "пятница"},
	"La réunion du comité aura lieu à la mairie.":                      {"reunions du comite", "mairie"},
	"我的自行车停在图书馆后面。":                                                    {"自行车在哪里", "图书馆"},
	"祖母は毎朝庭で体操をします。":                                                   {"祖母の体操", "毎朝"},
	"회의 자료는 책상 위에 있습니다.":                                               {"회의 자료", "책상"},
	"El tren de Sevilla llega con dos horas de retraso.":               {"trenes de sevilla", "cuánto retraso"},
}

// A hybrid search finds no less than the better of its halves, but for noise, by either model that embeds without a network.
func TestAHybridSearchLosesNothingThatAHalfFinds(t *testing.T) {
	t.Parallel()
	const noise = 0.02
	g := start(t)
	texts := map[uuid.UUID]string{}
	embedders := map[string]func(string) []float32{glove.Model: glove.Vector, hashing.Model: hashing.Vector}
	n := byte(100)
	for text := range remembered {
		n++
		texts[id(n)] = text
		for i, model := range []string{glove.Model, hashing.Model} { // an agent for each
			m := memory{id: n + byte(i*100), agent: byte(iris + i), room: n, text: text, vector: embedders[model](text), model: model}
			texts[id(m.id)] = text
			g.remembers(m)
		}
	}
	least := map[string]float64{glove.Model: 0.85, hashing.Model: 0.65}
	for i, model := range []string{glove.Model, hashing.Model} {
		rank := func(question, want string, words, meaning bool) float64 {
			s := queries.Search{Agent: id(byte(iris + i)), Limit: 10}
			if words {
				s.Words = question
			}
			if meaning {
				s.Meaning = queries.Meaning{Model: model, Vector: embedders[model](question), Scale: queries.Scale(models.ScaleOf(model))}
			}
			hits, err := g.Find(g.ctx, s)
			must(t, err)
			for place, h := range hits {
				if texts[h.ID] == want {
					return 1 / float64(place+1)
				}
			}
			return 0
		}
		var text, semantic, hybrid, all float64
		for want, questions := range remembered {
			for _, question := range questions {
				all++
				text += rank(question, want, true, false)
				semantic += rank(question, want, false, true)
				both := rank(question, want, true, true)
				if hybrid += both; both < 0.5 {
					t.Logf("%s: %q does not find %q", model, question, want)
				}
			}
		}
		t.Logf("%s: mean reciprocal rank of %.0f questions: text %.3f, semantic %.3f, hybrid %.3f", model, all, text/all, semantic/all, hybrid/all)
		if hybrid < max(text, semantic)-noise*all || hybrid < least[model]*all {
			t.Errorf("%s: hybrid %.3f, text %.3f, semantic %.3f", model, hybrid/all, text/all, semantic/all)
		}
	}
}
