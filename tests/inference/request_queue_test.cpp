// The order of waiting requests, without a dispatcher: times are numbers.
#include "inference/request_queue.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace consilia::inference {
namespace {

using std::chrono::microseconds;
using testing::ElementsAre;

class RequestQueueTest : public testing::Test {
protected:
    RequestPointer push(std::uint64_t id, Priority priority = Priority::Normal, std::int64_t submitted_us = 0,
                        std::int64_t deadline_us = kNever) {
        auto request = std::make_shared<PendingRequest>();
        request->id = id;
        request->priority = priority;
        request->submitted_us = submitted_us;
        request->deadline_us = deadline_us;
        request->size_bytes = id;
        queue_.push(request);
        return request;
    }
    std::vector<std::uint64_t> drained() {
        std::vector<std::uint64_t> ids;
        while (queue_.size() > 0) {
            const std::uint64_t front = queue_.front().id;
            ids.push_back(queue_.pop()->id);
            EXPECT_EQ(ids.back(), front);
        }
        return ids;
    }

    RequestQueue queue_{microseconds(1000), microseconds(5000)};
};

TEST_F(RequestQueueTest, ServesTheMoreUrgentLevelFirstAndALevelInTheOrderOfSubmission) {
    push(1, Priority::Low);
    push(2, Priority::Normal);
    push(3, Priority::High);
    push(4, Priority::Normal);
    push(5, Priority::High);
    EXPECT_THAT(drained(), ElementsAre(3, 5, 2, 4, 1));
}

TEST_F(RequestQueueTest, ServesTheEarliestDeadlineOfALevelFirst) {
    push(1, Priority::Normal, 0, 900);
    push(2, Priority::Normal, 0, 300);
    push(3, Priority::Normal, 0, 600);
    push(4, Priority::Low, 0, 100);
    EXPECT_THAT(drained(), ElementsAre(2, 3, 1, 4));
}

TEST_F(RequestQueueTest, GivesARequestWithoutADeadlineADueOfItsPatience) {
    push(1, Priority::Normal, 0);               // Due at 5000.
    push(2, Priority::Normal, 100, 4999);       // Before it.
    push(3, Priority::Normal, 100, 1'000'000);  // Due at 5100: a far deadline does not wait for it.
    push(4, Priority::Normal, 200);
    EXPECT_THAT(drained(), ElementsAre(2, 1, 3, 4));
}

TEST_F(RequestQueueTest, RaisesARequestOneLevelEachTimeThatItHasWaitedLongEnough) {
    const RequestPointer low = push(1, Priority::Low, 0);
    queue_.promote(999);
    EXPECT_EQ(low->level, 2U);
    queue_.promote(1000);
    EXPECT_EQ(low->level, 1U);
    queue_.promote(1999);
    EXPECT_EQ(low->level, 1U);
    queue_.promote(2000);
    EXPECT_EQ(low->level, 0U);
    push(2, Priority::High, 2000);
    EXPECT_THAT(drained(), ElementsAre(1, 2));
}

TEST_F(RequestQueueTest, RaisesOverTwoLevelsAtOnceIfNobodyLookedMeanwhile) {
    const RequestPointer low = push(1, Priority::Low, 0);
    queue_.promote(2500);
    queue_.promote(2500);
    EXPECT_EQ(low->level, 0U);
}

/// What must not happen: that a low request waits for ever behind a stream of urgent ones.
TEST_F(RequestQueueTest, NothingStarvesUnderAStreamOfUrgentRequests) {
    push(1, Priority::Low, 0);
    std::uint64_t id = 2;
    push(id++, Priority::High, 0, 800);
    std::int64_t served_us = -1;
    for (std::int64_t now_us = 100; now_us < 20'000 && served_us < 0; now_us += 100) {
        push(id++, Priority::High, now_us, now_us + 800);
        queue_.promote(now_us);
        if (queue_.pop()->id == 1) served_us = now_us;
    }
    EXPECT_GE(served_us, 2000);  // Not before it has reached the level.
    EXPECT_LE(served_us, 5000);
}

TEST_F(RequestQueueTest, TakesARequestOutFromWhereverItStands) {
    const RequestPointer first = push(1);
    const RequestPointer second = push(2);
    const RequestPointer third = push(3);
    EXPECT_EQ(queue_.size_bytes(), 6U);
    EXPECT_EQ(queue_.remove(*second), second);
    EXPECT_EQ(queue_.remove(*second), nullptr);
    EXPECT_EQ(queue_.size_bytes(), 4U);
    EXPECT_THAT(drained(), ElementsAre(1, 3));
    EXPECT_EQ(queue_.size_bytes(), 0U);
}

TEST_F(RequestQueueTest, TakesOutWhatHasADeadlineBeforeALimitProbesExcepted) {
    push(1, Priority::High, 0, 100);
    push(2, Priority::Low, 0, 200);
    push(3, Priority::Low, 0, 300);
    push(4, Priority::Low, 0, 150)->is_probe = true;
    push(5);
    std::vector<RequestPointer> taken;
    queue_.take_before(300, taken);
    std::vector<std::uint64_t> ids;
    for (const auto& request : taken) ids.push_back(request->id);
    EXPECT_THAT(ids, ElementsAre(1, 2));
    EXPECT_THAT(drained(), ElementsAre(5, 4, 3));
}

TEST_F(RequestQueueTest, CountsWhatGoesBeforeANewRequest) {
    push(1, Priority::High);
    push(2, Priority::Normal, 0, 300);
    push(3, Priority::Normal, 0, 600);
    push(4, Priority::Low, 0, 10);
    EXPECT_EQ(queue_.count_ahead(0, 0, 100), 0U);
    EXPECT_EQ(queue_.count_ahead(0, 0, kNever), 1U);
    EXPECT_EQ(queue_.count_ahead(1, 0, 299), 1U);
    EXPECT_EQ(queue_.count_ahead(1, 0, 300), 2U);  // Of equal deadlines the newer is later.
    EXPECT_EQ(queue_.count_ahead(1, 0, kNever), 3U);
    EXPECT_EQ(queue_.count_ahead(2, 0, 11), 4U);
}

/// Against a list that is sorted anew each time.
TEST_F(RequestQueueTest, KeepsTheOrderOfAListSortedAnewWhateverIsDone) {
    const unsigned seed = 20261127;
    std::mt19937 random(seed);
    std::vector<RequestPointer> all;
    const auto is_before = [](const RequestPointer& a, const RequestPointer& b) {
        const auto due = [](const PendingRequest& r) {
            return std::min(r.deadline_us, r.submitted_us + 5000);
        };
        return std::tuple(a->level, due(*a), a->id) < std::tuple(b->level, due(*b), b->id);
    };
    std::int64_t now_us = 0;
    for (std::uint64_t id = 1; id <= 3000; ++id) {
        now_us += random() % 40;
        const auto deadline_us =
            random() % 3 == 0 ? kNever : now_us + static_cast<std::int64_t>(random() % 8000);
        all.push_back(push(id, static_cast<Priority>(random() % 3), now_us, deadline_us));
        queue_.promote(now_us);
        const std::int64_t seen_us = now_us;
        for (const RequestPointer& request : all) {  // The rule, written once more.
            const std::int64_t raised = (seen_us - request->submitted_us) / 1000;
            const auto own = static_cast<std::int64_t>(request->priority);
            ASSERT_EQ(static_cast<std::int64_t>(request->level), std::max<std::int64_t>(0, own - raised))
                << seed;
        }
        std::sort(all.begin(), all.end(), is_before);
        if (random() % 4 == 0) {
            ASSERT_EQ(queue_.pop(), all.front()) << seed;
            all.erase(all.begin());
        } else if (random() % 3 == 0) {
            const auto place = all.begin() + static_cast<std::ptrdiff_t>(random() % all.size());
            ASSERT_EQ(queue_.remove(**place), *place) << seed;
            all.erase(place);
        }
        ASSERT_EQ(queue_.size(), all.size()) << seed;
    }
}

}  // namespace
}  // namespace consilia::inference
