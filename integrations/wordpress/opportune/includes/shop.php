<?php
/**
 * What happens in WooCommerce. Views are told by the page script, as pages may come out of a cache; carts, orders,
 * refunds and accounts by the server, which no blocker stops.
 *
 * An order carries the visitor's id, so that it is about whoever placed it. What is told of it has the ids that
 * WooCommerce's own webhooks lead to: one order stays one event, however often it is told.
 *
 * @package Opportune
 */

defined( 'ABSPATH' ) || exit;

class Opportune_Shop {

	const VISITOR    = '_opportune_id';
	const AGAIN      = 'opportune_tell_order';
	const PLACED     = array( 'processing', 'completed', 'on-hold', 'refunded' );
	const MOST_LINES = 100;
	const MOST_TRIES = 8;

	private static $orders = array();

	public static function begin() {
		if ( 'plugin' === Opportune_Settings::get( 'views' ) ) {
			add_action( 'wp_footer', array( __CLASS__, 'show_views' ), 5 );
			add_action( 'woocommerce_add_to_cart', array( __CLASS__, 'added' ), 10, 4 );
			add_action( 'woocommerce_remove_cart_item', array( __CLASS__, 'removed' ), 10, 2 );
			add_action( 'woocommerce_after_cart_item_quantity_update', array( __CLASS__, 'changed' ), 10, 4 );
		}
		add_action( 'woocommerce_checkout_order_created', array( __CLASS__, 'mark' ) );
		add_action( 'woocommerce_store_api_checkout_order_processed', array( __CLASS__, 'mark' ) );
		add_action( 'woocommerce_order_status_changed', array( __CLASS__, 'moved' ), 10, 4 );
		add_action( 'woocommerce_order_refunded', array( __CLASS__, 'refunded' ), 10, 2 );
		add_action( 'user_register', array( __CLASS__, 'signed_up' ) );
		add_action( 'wp_login', array( __CLASS__, 'signed_in' ), 10, 2 );
		add_action( 'before_woocommerce_init', array( __CLASS__, 'say_what_fits' ) );
		add_action( 'shutdown', array( __CLASS__, 'send_orders' ), 1001 );
		add_action( self::AGAIN, array( __CLASS__, 'tell_again' ), 10, 2 );
	}

	/** Orders in tables of their own are fine here. */
	public static function say_what_fits() {
		$known = 'Automattic\WooCommerce\Utilities\FeaturesUtil';
		if ( class_exists( $known ) ) {
			$known::declare_compatibility( 'custom_order_tables', OPPORTUNE_FOLDER . '/opportune.php', true );
			$known::declare_compatibility( 'cart_checkout_blocks', OPPORTUNE_FOLDER . '/opportune.php', true );
		}
	}

	// -- views, told by the page.

	public static function show_views() {
		if ( ! Opportune_Settings::is_ready() || ! function_exists( 'is_product' ) || is_preview() ) {
			return;
		}
		$view = self::view();
		if ( $view ) {
			$call = wp_json_encode( array( 'track', $view[0], Opportune_Client::said( $view[1] ) ), JSON_HEX_TAG | JSON_HEX_AMP );
			// The page script takes calls made before it came, and by its name after that.
			echo "<script>((o, c) => o && o.track ? o.track(c[1], c[2]) : (window.opportune = o || []).push(c))(window.opportune, $call);</script>\n"; // phpcs:ignore
		}
	}

	private static function view() {
		$type = Opportune_Page::type();
		if ( 'product' === $type ) {
			return array( 'Product Viewed', self::product( wc_get_product( get_queried_object_id() ) ) );
		}
		if ( 'category' === $type ) {
			return array( 'Product List Viewed', array( 'list_id' => (string) get_queried_object_id(), 'category' => Opportune_Page::category( 0 ) ) );
		}
		if ( 'search' === $type ) {
			return array( 'Products Searched', array( 'query' => get_search_query( false ) ) );
		}
		if ( 'cart' === $type || 'checkout' === $type ) {
			return array( 'cart' === $type ? 'Cart Viewed' : 'Checkout Started', self::cart() );
		}
		return null;
	}

	/** What is in the cart now. */
	private static function cart() {
		$cart  = function_exists( 'WC' ) && WC()->cart ? WC()->cart : null;
		$lines = array();
		foreach ( $cart ? array_slice( $cart->get_cart(), 0, self::MOST_LINES ) : array() as $line ) {
			$lines[] = array( 'quantity' => (int) $line['quantity'] ) + self::product( $line['data'] );
		}
		return array(
			'products' => $lines,
			'total'    => $cart ? (float) $cart->get_cart_contents_total() : 0.0,
			'currency' => get_woocommerce_currency(),
		);
	}

	/** A product as events name it: by its own number, also where a variation of it is meant. */
	public static function product( $product ) {
		if ( ! $product ) {
			return array();
		}
		$parent = (int) $product->get_parent_id();
		$id     = $parent ? $parent : (int) $product->get_id();
		return Opportune_Client::said(
			array(
				'product_id' => (string) $id,
				'variant'    => $parent ? (string) $product->get_id() : '',
				'sku'        => (string) $product->get_sku(),
				'name'       => (string) $product->get_name(),
				'price'      => (float) $product->get_price(),
				'category'   => self::category_of( $id ),
				'currency'   => get_woocommerce_currency(),
			)
		);
	}

	/** The narrowest of a product's categories. */
	public static function category_of( $product_id ) {
		$terms = get_the_terms( $product_id, 'product_cat' );
		if ( ! is_array( $terms ) || ! $terms ) {
			return '';
		}
		$parents = wp_list_pluck( $terms, 'parent' );
		foreach ( $terms as $term ) {
			if ( ! in_array( $term->term_id, $parents, true ) ) {
				return $term->name;
			}
		}
		return $terms[0]->name;
	}

	// -- the cart, told by the server.

	public static function added( $key, $product_id, $quantity, $variation_id = 0 ) {
		$product = wc_get_product( $variation_id ? $variation_id : $product_id );
		Opportune_Client::track( 'Product Added', array( 'quantity' => (int) $quantity ) + self::product( $product ) );
	}

	public static function removed( $key, $cart ) {
		$line = isset( $cart->cart_contents[ $key ] ) ? $cart->cart_contents[ $key ] : null;
		if ( $line ) {
			self::take_out( $line, (int) $line['quantity'] );
		}
	}

	public static function changed( $key, $quantity, $before, $cart ) {
		$line = isset( $cart->cart_contents[ $key ] ) ? $cart->cart_contents[ $key ] : null;
		$more = (int) $quantity - (int) $before;
		if ( $line && $more > 0 ) {
			Opportune_Client::track( 'Product Added', array( 'quantity' => $more ) + self::product( $line['data'] ) );
		} elseif ( $line && $more < 0 ) {
			self::take_out( $line, -$more );
		}
	}

	private static function take_out( $line, $quantity ) {
		$product = isset( $line['data'] ) ? $line['data'] : wc_get_product( $line['product_id'] );
		Opportune_Client::track( 'Product Removed', array( 'quantity' => $quantity ) + self::product( $product ) );
	}

	// -- orders.

	/** The visitor's id stays with the order, whoever changes it later. */
	public static function mark( $order ) {
		$id = Opportune_Visitor::id();
		if ( '' !== $id && ! Opportune_Visitor::is_staff() ) {
			$order->update_meta_data( self::VISITOR, $id );
			$order->save();
		}
	}

	public static function moved( $order_id, $from, $to, $order ) {
		$is_placed  = in_array( $to, self::PLACED, true );
		$was_placed = in_array( $from, self::PLACED, true );
		if ( $is_placed && ! $was_placed || 'cancelled' === $to && $was_placed ) {
			self::$orders[ $order_id ] = 1;
		}
	}

	public static function refunded( $order_id, $refund_id ) {
		self::$orders[ $order_id ] = 1;
	}

	/** After the page; what was not taken is told again later. */
	public static function send_orders() {
		$orders       = self::$orders;
		self::$orders = array();
		foreach ( $orders as $order_id => $try ) {
			self::tell( $order_id, $try );
		}
	}

	public static function tell_again( $order_id, $try ) {
		self::tell( (int) $order_id, (int) $try );
	}

	private static function tell( $order_id, $try ) {
		$order = wc_get_order( $order_id );
		if ( ! $order || ! Opportune_Settings::is_ready() || Opportune_Client::send( self::messages( $order ) ) || $try >= self::MOST_TRIES ) {
			return;
		}
		wp_schedule_single_event( time() + 60 * ( 2 ** $try ), self::AGAIN, array( $order_id, $try + 1 ) );
	}

	/** Everything about an order; what was told before is known there. */
	public static function messages( $order ) {
		$number     = Opportune_Settings::get( 'prefix' ) . $order->get_order_number();
		$ids        = self::buyer( $order );
		$properties = self::properties( $order, $number );
		$messages   = array();
		if ( isset( $ids['userId'] ) && self::traits( $order ) ) {
			$messages[] = self::message( 'identify', "woocommerce-buyer-$number", $order->get_date_created() ) + $ids + array( 'traits' => self::traits( $order ) );
		}
		$was_placed = in_array( $order->get_status(), self::PLACED, true ) || 'cancelled' === $order->get_status();
		if ( $was_placed ) {
			$messages[] = self::message( 'track', "woocommerce-order-$number", $order->get_date_created() ) + $ids + array( 'event' => 'Order Completed', 'properties' => $properties );
		}
		if ( 'cancelled' === $order->get_status() ) {
			$messages[] = self::message( 'track', "woocommerce-cancelled-$number", $order->get_date_modified() ) + $ids + array( 'event' => 'Order Cancelled', 'properties' => $properties );
		}
		foreach ( $order->get_refunds() as $refund ) {
			$messages[] = self::refund( $refund, $number, $properties ) + $ids;
		}
		return $messages;
	}

	private static function message( $type, $id, $at ) {
		return Opportune_Client::said(
			array(
				'type'      => $type,
				'messageId' => $id,
				'timestamp' => $at ? gmdate( 'Y-m-d\TH:i:s\Z', $at->getTimestamp() ) : '',
				'context'   => array( 'library' => array( 'name' => 'opportune-wordpress' ) ),
			)
		);
	}

	/** The account, else the guest's e-mail address; and the visitor. */
	private static function buyer( $order ) {
		$account = (int) $order->get_customer_id();
		$user    = $account ? Opportune_Visitor::user_id( $account ) : strtolower( (string) $order->get_billing_email() );
		$ids     = array( 'userId' => $user, 'anonymousId' => (string) $order->get_meta( self::VISITOR ) );
		return Opportune_Client::said( $ids );
	}

	/** An account's e-mail address is the account's, whatever an order says. */
	private static function traits( $order ) {
		$account = (int) $order->get_customer_id();
		return Opportune_Client::said(
			array(
				'email'     => $account ? '' : strtolower( (string) $order->get_billing_email() ),
				'firstName' => $order->get_billing_first_name(),
				'lastName'  => $order->get_billing_last_name(),
				'phone'     => $order->get_billing_phone(),
				'address'   => Opportune_Client::said(
					array(
						'city'       => $order->get_billing_city(),
						'country'    => $order->get_billing_country(),
						'postalCode' => $order->get_billing_postcode(),
					)
				),
			)
		);
	}

	private static function properties( $order, $number ) {
		$total    = (float) $order->get_total();
		$shipping = (float) $order->get_shipping_total();
		$tax      = (float) $order->get_total_tax();
		$lines    = array();
		foreach ( array_slice( array_values( $order->get_items() ), 0, self::MOST_LINES ) as $item ) {
			$product = $item->get_product();
			$lines[] = array(
				'product_id' => (string) $item->get_product_id(),
				'quantity'   => (int) $item->get_quantity(),
				'price'      => (float) $order->get_item_total( $item, false, false ),
				'name'       => $item->get_name(),
			) + ( $product ? self::product( $product ) : array() );
		}
		$coupons = $order->get_coupon_codes();
		return Opportune_Client::said(
			array(
				'order_id' => $number,
				'total'    => $total,
				'revenue'  => round( $total - $shipping - $tax, 2 ),
				'shipping' => $shipping,
				'tax'      => $tax,
				'discount' => (float) $order->get_discount_total(),
				'coupon'   => $coupons ? (string) reset( $coupons ) : '',
				'currency' => $order->get_currency(),
				'products' => $lines,
			)
		);
	}

	/** A refund's total has shipping and tax in it; no more is taken back than the goods were worth. */
	private static function refund( $refund, $number, $properties ) {
		$id    = Opportune_Settings::get( 'prefix' ) . $refund->get_id();
		$total = abs( (float) $refund->get_total() );
		return self::message( 'track', "woocommerce-refund-$id", $refund->get_date_created() ) + array(
			'event'      => 'Order Refunded',
			'properties' => Opportune_Client::said(
				array(
					'order_id'  => $number,
					'refund_id' => $id,
					'total'     => $total,
					'revenue'   => min( $total, $properties['revenue'] ),
					'currency'  => $properties['currency'],
					'reason'    => $refund->get_reason(),
				)
			),
		);
	}

	// -- accounts.

	public static function signed_up( $user_id ) {
		$user  = get_userdata( $user_id );
		$email = $user ? strtolower( $user->user_email ) : '';
		// An account that staff makes is not about the visitor who is here, and one for staff about none.
		if ( ! $user || user_can( $user, 'edit_posts' ) ) {
			return;
		}
		$ids = array( 'userId' => Opportune_Visitor::user_id( $user_id ), 'anonymousId' => Opportune_Visitor::is_staff() ? '' : Opportune_Visitor::id() );
		Opportune_Client::track( 'Signed Up', array(), $ids, array( 'messageId' => 'woocommerce-signed-up-' . $ids['userId'] ) );
		Opportune_Client::identify( array( 'email' => $email, 'firstName' => $user->first_name, 'lastName' => $user->last_name ), $ids );
		if ( '' !== $email && '' !== Opportune_Settings::get( 'secret_key' ) ) {
			Opportune_Client::put( array( 'type' => 'alias', 'previousId' => $email ), array( 'userId' => $ids['userId'], 'anonymousId' => '' ) );
		}
	}

	public static function signed_in( $login, $user = null ) {
		if ( $user && '' !== Opportune_Visitor::id() && ! user_can( $user, 'edit_posts' ) ) {
			Opportune_Client::track( 'Signed In', array(), array( 'userId' => Opportune_Visitor::user_id( $user->ID ) ) );
		}
	}
}
