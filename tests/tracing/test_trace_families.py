"""Names of operators and kernels as torch, cuDNN, cuBLAS and Triton have them."""

import pytest

from vitcnn.tracing.families import family_of, squeeze

NAMES = {
    "convolution": [
        "aten::conv2d",
        "aten::mkldnn_convolution",
        "ConvolutionBackward0",
        "sm80_xmma_fprop_implicit_gemm_f32f32_tf32f32_f32_nhwckrsc_nhwc_tilesize128x128x16_stage4",
        "void cudnn::ops::convolve_common_engine_float_NHWC<float>(float, int)",
    ],
    "matrix product": [
        "aten::linear",
        "aten::addmm",
        "aten::mm",
        "aten::bmm",
        "autograd::engine::evaluate_function: AddmmBackward0",
        "ampere_sgemm_128x64_tn",
        "nvjet_hsh_128x128_64x4_1x2_h_bz_coopA_TNT",
        "void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8>(Params)",
    ],
    "attention": [
        "aten::scaled_dot_product_attention",
        "aten::_scaled_dot_product_flash_attention_for_cpu",
        "ScaledDotProductFlashAttentionForCpuBackward0",
        "void pytorch_flash::flash_fwd_kernel<pytorch_flash::Flash_fwd_kernel_traits<64, 128>>(Flash_fwd_params)",
        "fmha_cutlassF_f32_aligned_64x64_rf_sm80(PyTorchMemEffAttention)",
    ],
    "norm": [
        "aten::native_layer_norm",
        "aten::cudnn_batch_norm",
        "NativeBatchNormBackward0",
        "void at::native::(anonymous namespace)::vectorized_layer_norm_kernel<float, float>(int, float)",
    ],
    "element-wise": [
        "aten::add_",
        "aten::gelu",
        "aten::relu_",
        "aten::_softmax",
        "aten::_foreach_addcdiv_",
        "aten::_fused_adamw_",
        "void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>>(int)",
        "triton_poi_fused_gelu_3",
    ],
    "copy": ["aten::copy_", "aten::_to_copy", "aten::cat", "aten::contiguous", "Memcpy HtoD (Pageable -> Device)"],
    "fused by the compiler": [
        "Torch-Compiled Region: 0/0",
        "## Call CompiledFxGraph fgryv ##",
        "triton_red_fused_sum_1",
    ],
    "": [
        "aten::view",
        "aten::upsample_bilinear2d",
        "aten::max_pool2d_with_indices",
        "aten::nll_loss_forward",
        "detach",
    ],
}


@pytest.mark.parametrize("family, name", [(family, name) for family, names in NAMES.items() for name in names])
def test_a_name_tells_the_family(family, name):
    assert family_of(name) == family


def test_a_name_is_squeezed_to_what_it_computes():
    assert squeeze("aten::add_") == "add"
    assert squeeze("autograd::engine::evaluate_function: AddmmBackward0") == "addmm"
