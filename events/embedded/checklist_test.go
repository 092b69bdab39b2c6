package embedded_test

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// checklist names the tests of each line of the protocol's checklist, by its section, its place there and what it is
// about. What is left out on purpose says so: access control lists, users and clustering.
const checklist = `
Transport 1 plain and TLS, service names: ASecureNodeWantsTheRightPassword WithoutTLSCredentialsAreIgnored TLSDoesNotNeedItsApplicationProtocolToBeNamed
Transport 2 receive limit: AnAppendHoldsOneMiBOfDataAndNoMore
Transport 3 keepalive: AnIdleClientThatPingsIsNotSentAway
Transport 4 request headers: WhoIsConnectedIsToldWithItsNameAndAccount ASecureNodeWantsTheRightPassword WithoutTLSCredentialsAreIgnored WhoBringsNoPasswordIsToldApartFromWhoBringsAWrongOne
Transport 5 errors with trailers, forms of ids: EventsAreAnsweredInTheFormThatIsAskedFor AnEventsIDMayComeInBothForms AGroupIsRefusedWithItsNamesInTheTrailers ErrorsHaveTheWordsThatThePythonClientsLookFor
Transport 6 absent filter, names of streams: StreamNamesAreAnyBytesOfUTF8 ReadsThatAreNotPossibleAreRefused
Transport 7 deadlines, cancellation, graceful stop: ACallEndsWithItsDeadline ClosingTheNodeEndsSubscriptionsWithUnavailable
ServerFeatures 1 methods and features: OnlyWhatIsThereIsAdvertisedAndInLowerCase
ServerFeatures 2 what clients derive: OnlyWhatIsThereIsAdvertisedAndInLowerCase AGroupOnAllFollowsItsFilterAndCheckpointsPastTheRest GroupsThatAreNotPossibleAreRefusedWithTheReason
ServerFeatures 3 version: OnlyWhatIsThereIsAdvertisedAndInLowerCase
ServerFeatures 4 never fails, nor asks who calls: WhoBringsNoPasswordIsToldApartFromWhoBringsAWrongOne GossipLeadsADiscoveringClientToTheNode
Append 1 options first: AnAppendIsOptionsThenEvents
Append 2 required metadata: AnEventNeedsIDTypeAndContentType AppendedEventsAreReadBackAsTheyWere
Append 3 size: AnAppendHoldsOneMiBOfDataAndNoMore
Append 4 atomic and consecutive: EventsOfOneAppendAreConsecutiveInTheLog NothingAcknowledgedIsLostWhenThePowerFails
Append 5 decision: AnAppendIsDecidedByExpectedRevisionAndEventIDs ARepeatedAppendIsRecognizedAfterARestart StreamExistsIsTrueForAStreamThatHasOnlyMetadata ATombstonedStreamTakesNothingAnyMore ANodeDoesWhatTheModelDoes AnIDThatAnAppendHasTwiceIsKnownByItsFirstPlace TheHighestNumberExpectsNoStreamAsTheDotNetClientDoes
Append 6 success: AnAppendIsDecidedByExpectedRevisionAndEventIDs AppendedEventsAreReadBackAsTheyWere
Append 7 wrong expected version: AWrongExpectedVersionTellsOldClientsToo
Append 8 zero events: AnAppendIsDecidedByExpectedRevisionAndEventIDs
Append 9 first write after a soft delete: ASoftDeletedStreamIsNotFoundAndBeginsAgainBehindItsLastRevision MetadataWrittenToASoftDeletedStreamBringsItBackEmpty
Append 10 durable, then visible in order: NothingAcknowledgedIsLostWhenTheNodeIsKilled NothingAcknowledgedIsLostWhenThePowerFails EventsOfOneAppendAreConsecutiveInTheLog
BatchAppend 1 correlation, frames, echo: BatchesAreAnsweredByCorrelationAndWrittenInTheirOrder ABatchIsAnsweredOnceAndNoLaterThanItsDeadline
BatchAppend 2 errors and deadlines: ABatchThatFailsSaysWhyInItsDetail ABatchIsAnsweredOnceAndNoLaterThanItsDeadline
BatchAppend 3 half-close: BatchesAreAnsweredByCorrelationAndWrittenInTheirOrder ABatchIsAnsweredOnceAndNoLaterThanItsDeadline
Read 1 combinations: ReadsThatAreNotPossibleAreRefused FilteredReadsCountWhatMatches AllIsReadFromAPositionInclusiveForwardsAndExclusiveBackwards
Read 2 streams, inclusive: AStreamIsReadFromARevisionInclusiveBothWays ReadsLongerThanAPageAreCompleteBothWays
Read 3 $all, positions: AllIsReadFromAPositionInclusiveForwardsAndExclusiveBackwards AReadFromBetweenTwoEventsBeginsWithTheNext
Read 4 not found, deleted, expired: ASoftDeletedStreamIsNotFoundAndBeginsAgainBehindItsLastRevision ATombstonedStreamTakesNothingAnyMore StreamMetadataLimitsReadsOfTheStreamAndNotOfAll
Read 5 first and last position: ClientsThatUnderstandItAreToldWhereAStreamBeginsAndEnds EventsAreAnsweredInTheFormThatIsAskedFor
Read 6 $tb, $maxCount, $maxAge: StreamMetadataLimitsReadsOfTheStreamAndNotOfAll
Read 7 metastreams show the newest: OnlyTheNewestMetadataIsVisible
Read 8 hidden from $all: AllHidesTheBookkeepingOfItsOwnSubscriptions
Read 9 recorded events: AppendedEventsAreReadBackAsTheyWere EventsAreAnsweredInTheFormThatIsAskedFor
Read 10 links: LinksAreResolvedWhenThatIsAskedFor
Read 11 filters: FilteredReadsCountWhatMatches ReadsThatAreNotPossibleAreRefused AFilterMayLookAheadAsThePythonClientsDo
Read 12 backpressure: StuckSubscribersHoldLittleMemory
Subscription 1 confirmation, exclusive start, deletes: ASubscriptionToAStreamCatchesUpAndGoesOnLive ASubscriptionBeginsBehindWhatItNames AMissingStreamMayBeSubscribed
Subscription 2 caught up, never dropped: ASubscriptionThatFellBehindCatchesUpFromDiskWithoutAGap ASubscriptionToAStreamCatchesUpAndGoesOnLive NewerClientsAreToldWhenAndWhereASubscriptionTurnedLive
Subscription 3 checkpoints: AFilteredSubscriptionTellsCheckpointsThatLoseNothing
Subscription 4 none without a filter: ASubscriptionToAStreamCatchesUpAndGoesOnLive ASubscriptionBeginsBehindWhatItNames
Delete 1 soft: ASoftDeletedStreamIsNotFoundAndBeginsAgainBehindItsLastRevision DeletingWithAWrongRevisionIsAnErrorThatTellsTheActualOne
Delete 2 tombstone: ATombstonedStreamTakesNothingAnyMore AMissingStreamIsTombstonedWhereNoneIsExpected
Delete 3 positions: ASoftDeletedStreamIsNotFoundAndBeginsAgainBehindItsLastRevision ATombstonedStreamTakesNothingAnyMore
Delete 4 metadata, lists of access left out: StreamMetadataLimitsReadsOfTheStreamAndNotOfAll
Delete 5 fresh database: AFreshLogHasTheUsersOfAFreshServer
Delete 6 positions for ever: AnImportedExportIsTheSameLog AnImportKeepsGapsAndRefusesWhatIsNoLog ALogIsAsItWasAfterTheNodeIsOpenedAgain
Persistent 1 create: AGroupIsRefusedWithItsNamesInTheTrailers AGroupIsDescribedInTheFormsThatClientsParse AGroupOnAllDoesNotBeginBehindTheEnd
Persistent 2 update and delete: ChangingAGroupDropsItsConsumersAndKeepsItsCheckpoint AChangedGroupOnAllKeepsItsFilter DeletingAGroupDeletesItsCheckpointAndWhatItParked
Persistent 3 read: AGroupIsRefusedWithItsNamesInTheTrailers AConsumerHoldsNoMoreThanItsBuffer AGroupTakesNoMoreSubscribersThanItMay
Persistent 4 retry count, ids of links: ANackedEventIsRetriedThenParkedThenReplayed AGroupFollowsLinksAndAcknowledgesThemByTheirOwnID
Persistent 5 ack, nack, time-out, disconnect: ANackedEventIsRetriedThenParkedThenReplayed AnUnansweredEventComesAgainAfterItsTimeout WhatADisconnectedConsumerHeldGoesToAnother AStopAnswersNothingAndAParkedEventTellsWhy WhatIsRetriedComesBeforeWhatIsNewInTheOrderOfTheStream AnAnswerThatSaysNothingIsARetry
Persistent 6 parked and replayed: AStopAnswersNothingAndAParkedEventTellsWhy ReplayedEventsComeOnceAndNeverMoveTheCheckpoint ANackedEventIsRetriedThenParkedThenReplayed
Persistent 7 checkpoints: ReplayedEventsComeOnceAndNeverMoveTheCheckpoint AGroupResumesFromItsCheckpointAfterARestart ACheckpointIsWrittenAfterEnoughEventsAndSomeTime
Persistent 8 strategies: StrategiesShareEventsAmongConsumers TheFullArePassedOverInTurn PinnedEventsOfOneSourceStayWithOneConsumerAndHoldUpNoOther EventsOfOneCorrelationStayWithOneConsumer
Persistent 9 info and list: AGroupIsDescribedInTheFormsThatClientsParse GroupsThatAreNotPossibleAreRefusedWithTheReason WhoIsConnectedIsToldWithItsNameAndAccount AConsumersAnswersAreMeasuredForThoseWhoAsk
Persistent 10 restart: ChangingAGroupDropsItsConsumersAndKeepsItsCheckpoint AGroupIsRefusedWithItsNamesInTheTrailers
Persistent 11 durable: AGroupResumesFromItsCheckpointAfterARestart
Others 1 gossip: GossipLeadsADiscoveringClientToTheNode ANodeIsGossipedUnderTheNameThatItsClientKnows
Others 2 projections left out: WhatIsLeftOutIsUnimplemented
Others 3 health: HealthIsToldOnThePortOfTheNode APingIsAnsweredOnThePortOfTheNode
`

func TestEveryLineOfTheChecklistHasATest(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("*_test.go")
	must(t, err)
	there := map[string]bool{}
	for _, name := range files {
		b, err := os.ReadFile(name)
		must(t, err)
		for _, found := range regexp.MustCompile(`(?m)^func Test(\w+)\(`).FindAllSubmatch(b, -1) {
			there[string(found[1])] = true
		}
	}
	lines := strings.Split(strings.TrimSpace(checklist), "\n")
	equal(t, len(lines), 60)
	missing := map[string]bool{}
	for _, line := range lines {
		_, tests, ok := strings.Cut(line, ": ")
		holds(t, ok, line)
		for _, name := range strings.Fields(tests) {
			missing[name] = missing[name] || !there[name]
		}
	}
	maps.DeleteFunc(missing, func(_ string, m bool) bool { return !m })
	equal(t, slices.Sorted(maps.Keys(missing)), nil)
}
