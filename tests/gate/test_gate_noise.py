import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import brentq
from scipy.special import digamma, polygamma

from vitcnn.gate.noise import LEAST_NOISE, LEAST_SHARE, ODD_LEVEL, Prior, moderated, prior_of, trigamma_inverse

DOF = 4
TRUTH = Prior(variance=4e-5, dof=6.0)


def sampled(rng, *, cases, dof=DOF, prior=TRUTH):
    """Variances from a scaled inverse chi-square, and the residual sums of squares that samples of them have."""
    variances = prior.variance * prior.dof / rng.chisquare(prior.dof, cases)
    return variances, variances * rng.chisquare(dof, cases)


@pytest.mark.parametrize("dof, within", [(1, 0.3), (4, 0.12)])
def test_the_prior_that_made_the_variances_is_recovered(dof, within):
    _, squares = sampled(np.random.default_rng(0), cases=100_000, dof=dof)
    prior = prior_of(squares, np.full(100_000, dof))
    assert prior.variance == pytest.approx(TRUTH.variance, rel=within / 2)
    assert prior.dof == pytest.approx(TRUTH.dof, rel=within)


def test_cases_of_one_variance_are_taken_for_alike():
    squares = TRUTH.variance * np.random.default_rng(0).chisquare(DOF, 100_000)
    prior = prior_of(squares, np.full(100_000, DOF))
    assert prior.dof > 100
    assert prior.variance == pytest.approx(TRUTH.variance, rel=0.02)


def test_variances_more_alike_than_chance_makes_them_count_as_one():
    squares = np.full(20, DOF * TRUTH.variance)
    prior = prior_of(squares, np.full(20, DOF))
    assert prior.dof == np.inf
    assert prior.variance == pytest.approx(TRUTH.variance * 2 / np.exp(digamma(2)))  # Smyth, section 6.2, d = 4


def test_the_prior_of_few_cases_is_that_of_a_spread_one_standard_error_larger():
    _, squares = sampled(np.random.default_rng(1), cases=10)
    logs = np.log(squares / DOF)
    kurtosis = polygamma(3, DOF / 2) / polygamma(1, DOF / 2) ** 2
    spread = np.var(logs, ddof=1) * (1 + np.sqrt((kurtosis + 2) / 9))
    expected = brentq(lambda half: polygamma(1, half) + polygamma(1, DOF / 2) - spread, 1e-3, 1e6)
    assert prior_of(squares, np.full(10, DOF)).dof == pytest.approx(2 * expected)


def test_cases_of_one_run_say_nothing_about_the_prior():
    _, squares = sampled(np.random.default_rng(0), cases=30)
    alone = prior_of(squares, np.full(30, DOF))
    assert prior_of(np.append(squares, 0.0), np.append(np.full(30, DOF), 0)) == alone


@pytest.mark.parametrize("dof", [[], [0, 0], [4], [4, 0]])
def test_fewer_than_two_cases_with_a_variance_teach_nothing(dof):
    dof = np.array(dof, dtype=float)
    prior = prior_of(dof * 1e-4, dof)
    assert prior.dof == 0
    variances, left = moderated(dof * 1e-4, dof, prior)
    assert variances == pytest.approx(np.where(dof > 0, 1e-4, LEAST_NOISE**2))
    assert left == pytest.approx(dof)


@given(st.floats(1e-3, 1e3), st.integers(0, 2**32 - 1))
def test_the_unit_of_time_does_not_matter(scale, seed):
    _, squares = sampled(np.random.default_rng(seed), cases=12, prior=Prior(variance=1.0, dof=3.0))
    dof = np.full(12, DOF)
    prior, scaled = prior_of(squares, dof), prior_of(squares * scale, dof)
    assert scaled.dof == pytest.approx(prior.dof)
    assert scaled.variance == pytest.approx(scale * prior.variance)


def test_equal_times_do_not_make_the_others_look_wild():
    """A clock too coarse to show noise gives zero variances, whose logarithm is minus infinity."""
    squares = np.append(np.full(20, DOF * TRUTH.variance), 0.0)
    prior = prior_of(squares, np.full(21, DOF))
    assert prior.dof > 0
    variances, _ = moderated(squares, np.full(21, DOF), prior)
    assert np.isfinite(variances).all()
    assert (variances >= LEAST_NOISE**2).all()


def test_where_most_times_are_equal_the_least_noise_says_what_is_too_small():
    least = LEAST_SHARE * LEAST_NOISE**2
    assert prior_of(DOF * np.array([0.0, 0.0, 0.0, 1e-4]), np.full(4, DOF)) == prior_of(
        DOF * np.array([least, least, least, 1e-4]), np.full(4, DOF)
    )


def test_runs_that_are_all_equal_are_believed_down_to_the_least_noise():
    zeros, dof = np.zeros(5), np.full(5, DOF)
    variances, _ = moderated(zeros, dof, prior_of(zeros, dof))
    assert variances == pytest.approx(LEAST_NOISE**2)


def test_moderated_by_hand():
    prior = Prior(variance=4.0, dof=4.0)
    variances, dof = moderated(np.array([8.0, 24.0, 0.0]), np.array([4, 4, 0]), prior)
    assert variances == pytest.approx([(16 + 8) / 8, (16 + 24) / 8, 4.0])
    assert dof == pytest.approx([8, 8, 4])


def test_no_case_has_more_degrees_of_freedom_than_all_together():
    squares, dof = np.array([4.0, 5.0, 3.0]), np.array([4, 4, 4])
    for prior in (Prior(variance=1.0, dof=50.0), Prior(variance=1.0, dof=np.inf)):
        assert moderated(squares, dof, prior)[1] == pytest.approx(12)
    assert moderated(squares, dof, Prior(variance=1.0, dof=np.inf))[0] == pytest.approx(1.0)


@pytest.mark.parametrize("own_dof", [1, DOF])
@pytest.mark.parametrize("prior_dof", [3.0, np.inf])
def test_a_variance_that_does_not_fit_the_prior_keeps_its_own(prior_dof, own_dof):
    limit = stats.chi2.ppf(0.99, own_dof) / own_dof if np.isinf(prior_dof) else stats.f.ppf(0.99, own_dof, prior_dof)
    own = np.array([0.99 * limit, 1.01 * limit, 1.0])
    variances, dof = moderated(own * own_dof, np.full(3, own_dof), Prior(variance=1.0, dof=prior_dof))
    assert variances[0] < own[0]
    assert dof[0] > own_dof
    assert variances[1] == pytest.approx(own[1])
    assert dof[1] == own_dof
    assert ODD_LEVEL == 0.01


def test_moderated_t_has_the_distribution_that_limma_publishes():
    rng = np.random.default_rng(0)
    variances, squares = sampled(rng, cases=4000)
    moderate, dof = moderated(squares, np.full(4000, DOF), TRUTH)
    t = rng.normal(size=4000) * np.sqrt(variances / moderate)
    assert stats.kstest(stats.t.cdf(t, dof), "uniform").pvalue > 0.01
    assert stats.kstest(stats.t.cdf(1.2 * t, dof), "uniform").pvalue < 0.01
    assert np.mean(dof == DOF) == pytest.approx(ODD_LEVEL, abs=0.006)


@given(st.floats(1e-8, 1e8))
def test_trigamma_inverse_inverts_trigamma(value):
    assert polygamma(1, trigamma_inverse(value)) == pytest.approx(value, rel=1e-6)
