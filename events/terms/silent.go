package terms

import (
	"strings"

	"github.com/blevesearch/snowballstem/danish"
	"github.com/blevesearch/snowballstem/dutch"
	"github.com/blevesearch/snowballstem/english"
	"github.com/blevesearch/snowballstem/finnish"
	"github.com/blevesearch/snowballstem/french"
	"github.com/blevesearch/snowballstem/german"
	"github.com/blevesearch/snowballstem/hungarian"
	"github.com/blevesearch/snowballstem/italian"
	"github.com/blevesearch/snowballstem/norwegian"
	"github.com/blevesearch/snowballstem/portuguese"
	"github.com/blevesearch/snowballstem/romanian"
	"github.com/blevesearch/snowballstem/spanish"
	"github.com/blevesearch/snowballstem/swedish"
	"github.com/blevesearch/snowballstem/turkish"
)

// language is one whose endings are taken off. Its function words tell a text of it from others: that is a hundred times as fast as
// to compare trigrams, and short messages have no more to go by.
type language struct {
	stem  stemmer
	words string
}

// latinLanguages are written in Latin script, the first one everywhere.
var latinLanguages = []language{
	{english.Stem, "a about am an and any are as at be been being but by can could did do does doing for from had has have having he her hers him his how i if in into is it its me my no not of on or our ours she should so some than that the their theirs them then there these they this those to too us was we were what when where which while who whom whose why will with would you your yours"},
	{german.Stem, "aber als am an auch auf aus bei bin bist das dass dein dem den der des dich die dir du ein eine einem einen einer eines er es für haben hat hatte ich ihm ihn ihnen ihr im in ist kein keine mein mich mir mit nach nicht ob oder sein sie sind uns unser und vom von wann war waren warum was welche welcher welches wer werden wie wir wird wo zu zum zur über"},
	{french.Stem, "ai as au aux avec ce ces cette comment dans de des du elle elles en est et il ils je la le les leur ma mais me mes mon ne nous ont ou où par pas pour pourquoi quand que quel quelle qui quoi sa se ses son sont sur ta te tes ton tu un une vous y était"},
	{spanish.Stem, "al como con cuál cuándo cómo de del dónde el ella en era es esta este esto fue ha han la las lo los me mi muy no nosotros o para pero por porque que quién qué se son su sus tu tú un una unas unos y yo él"},
	{italian.Stem, "che chi come con cosa da dei del della di dove e ed era gli ha ho i il io la le lei lo lui ma mi mio nel nella noi non o per perché qual quale quando se si sono suo un una uno è"},
	{portuguese.Stem, "a as com como da das de do dos e ela ele em era essa esse eu foi isso isto mas meu minha na nas no nos não nós o onde os ou para por qual quando que quem se seu são sua um uma é"},
	{dutch.Stem, "aan bij dat de die dit een en er het heeft hebben hij hoe ik is jij jouw maar met mijn naar niet of om op te uit van voor waar waarom wanneer was wat welke wie wij ze zij zijn"},
	{danish.Stem, "af at da de den der det du en er et fra han har hun hvad hvem hvor hvordan hvornår i ikke jeg med men mig min og om på som til vi var"},
	{swedish.Stem, "att av de den det du en ett för från han har hon hur i inte jag med men mig min när och om på som till vad var varför vem vi är"},
	{norwegian.Stem, "av de den det du en er et fra han har hun hva hvem hvor hvorfor i ikke jeg med meg men min når og om på som til vi"},
	{finnish.Stem, "ei että hän ja joka jos kuin kun kuka me mikä minkä minä missä mitä mutta ne niin olen oli on ovat se sinä tai te tämä"},
	{hungarian.Stem, "a az ami de egy ez hogy hol ki mi miért mikor mint nem vagy van volt és én te ő"},
	{romanian.Stem, "am ai ale care ce cine cu cum de din dar este eu la lui mai nu pe pentru sau se sunt sunt unde un o și în"},
	{turkish.Stem, "ama ben bir bu ce da daha de en için ile kim mi ne neden nasıl nerede o sen ve veya çok"},
}

var russianWords = "а без бы был была были было быть в вам вас во вот все всё вы где да для до его ее если есть еще её же за и из или им их к как какая какие какой когда кто ли меня мне мы на нас не нет но о об он она они от по почему при с свой себя со так то тут ты у уже что чтобы эта эти это я"

// silent are words that are in most texts and most questions, and say nothing about what either is about. A question that has no
// other is looked for by them.
var silent = map[string]bool{}

// languagesByWord are the languages, as bits, of which a function word is one.
var languagesByWord = map[string]uint16{}

func init() {
	for i, l := range latinLanguages {
		for _, w := range strings.Fields(l.words) {
			silent[w] = true
			languagesByWord[w] |= 1 << i
		}
	}
	for _, w := range strings.Fields(russianWords) {
		silent[w] = true
	}
	for _, l := range latinLanguages {
		latin = append(latin, l.stem)
	}
}
